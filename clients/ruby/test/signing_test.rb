# frozen_string_literal: true

require 'minitest/autorun'
require 'barong_signing'

# What a signature is made of. Needs no server.
class SigningTest < Minitest::Test
  include BarongManagement

  NOW = 1_763_794_295
  SECRET = 'a secret of thirty-two characters'
  RSA = OpenSSL::PKey::RSA.generate(2048)
  ED25519 = OpenSSL::PKey.generate_key('ED25519')

  def test_algorithm_follows_from_the_key
    keys = { 'ES256' => 'prime256v1', 'ES384' => 'secp384r1', 'ES512' => 'secp521r1' }
           .transform_values { |curve| OpenSSL::PKey::EC.generate(curve) }.merge('RS256' => RSA)
    keys.each do |algorithm, key|
      token = Signer.new('backend-1', key.private_to_pem).sign({ iat: NOW })
      assert_equal({ 'iat' => NOW }, verified(token, key, algorithm))
    end
  end

  def test_eddsa_follows_from_the_key
    token = Signer.new('backend-1', ED25519.private_to_pem).sign({ iat: NOW }, { kid: 'backend-1' })
    input, _, signature = token.rpartition('.')
    assert ED25519.verify(nil, JWT::Base64.url_decode(signature), input)
    header, claims = input.split('.').map { |part| decoded(part) }
    assert_equal({ 'alg' => 'EdDSA', 'kid' => 'backend-1' }, header)
    assert_equal({ 'iat' => NOW }, claims)
  end

  def test_algorithm_can_be_told
    %w[RS384 RS512 PS256 PS384 PS512].each do |algorithm|
      token = Signer.new('backend-1', RSA.private_to_pem, algorithm).sign({ iat: NOW })
      assert_equal({ 'iat' => NOW }, verified(token, RSA, algorithm))
    end
    %w[HS256 HS384 HS512].each do |algorithm|
      token = Signer.new('backend-1', SECRET, algorithm).sign({ iat: NOW })
      assert_equal({ 'iat' => NOW }, verified(token, SECRET, algorithm))
    end
  end

  def test_key_that_cannot_sign_is_refused
    [OpenSSL::PKey::EC.generate('secp256k1'), OpenSSL::PKey.generate_key('X25519')].each do |key|
      refusal = assert_raises(ArgumentError) { Signer.new('backend-1', key.private_to_pem) }
      assert_match(/no algorithm/, refusal.message)
    end
  end

  def test_every_signer_of_an_envelope_signs_the_same_payload
    keys = { 'backend-1' => RSA, 'backend-2' => OpenSSL::PKey::EC.generate('prime256v1') }
    signers = keys.map { |name, key| Signer.new(name, key.private_to_pem) }
    headers, body = sent(Client.new('http://localhost', Envelope.new(*signers), clock: -> { NOW }, new_id: -> { 'once' }))
    refute_includes headers, 'Authorization'
    assert_equal(%w[backend-1 backend-2], body['signatures'].map { |entry| entry['header'].fetch('kid') })
    body['signatures'].zip(%w[RS256 ES256], keys.values) do |entry, algorithm, key|
      claims = verified([entry['protected'], body['payload'], entry['signature']].join('.'), key, algorithm)
      assert_equal({ 'iat' => NOW, 'exp' => NOW + 60, 'jti' => 'once', 'op' => 'createLabel',
                     'data' => { 'user_uid' => 'ID1', 'key' => 'email', 'value' => 'verified' } }, claims)
    end
  end

  def test_no_jti_comes_twice
    client = Client.new('http://localhost', Envelope.new(Signer.new('backend-1', SECRET, 'HS256')))
    first, second = Array.new(2) { decoded(sent(client).last['payload'])['jti'] }
    refute_equal first, second
  end

  def test_envelope_without_a_signer_is_refused
    assert_raises(ArgumentError) { Envelope.new }
  end

  def test_token_names_its_signer_and_leaves_the_body_alone
    signer = Signer.new('backend-1', SECRET, 'HS256')
    client = Client.new('http://localhost', Bearer.new(signer), clock: -> { NOW }, new_id: -> { 'once' })
    headers, body = sent(client)
    scheme, token = headers['Authorization'].split
    assert_equal 'Bearer', scheme
    assert_equal 'backend-1', decoded(token.split('.').first)['kid']
    assert_equal({ 'iat' => NOW, 'exp' => NOW + 60, 'jti' => 'once', 'op' => 'createLabel' }, verified(token, SECRET, 'HS256'))
    assert_equal({ 'user_uid' => 'ID1', 'key' => 'email', 'value' => 'verified' }, body)
  end

  def test_server_is_asked_to_refuse_unknown_parameters
    signer = Signer.new('backend-1', SECRET, 'HS256')
    [Envelope, Bearer].each do |kind|
      client = Client.new('http://localhost', kind.new(signer))
      assert_equal 'handling=strict', sent(client).first['Prefer']
      client.default_headers['Prefer'] = 'handling=lenient'
      assert_equal 'handling=lenient', sent(client).first['Prefer']
    end
  end

  def test_url_without_a_path_is_that_of_the_server
    { '' => '/api/v2/management', '/' => '/api/v2/management', '/api/v2/management/' => '/api/v2/management',
      '/proxy' => '/proxy' }.each do |path, operations|
      client = Client.new("http://localhost:8080#{path}", Bearer.new(Signer.new('backend-1', SECRET, 'HS256')))
      assert_equal "http://localhost:8080#{operations}", client.config.base_url
    end
  end

  def test_former_names_make_the_same_clients
    signer = Signer.new('backend-1', SECRET, 'HS256')
    assert_includes sent(EnvelopeClient.new('http://localhost', signer, clock: -> { NOW })).last, 'payload'
    assert_match(/\ABearer /, sent(BearerClient.new('http://localhost', signer, new_id: -> { 'once' })).first['Authorization'])
    assert_raises(ArgumentError) { EnvelopeClient.new('http://localhost') }
  end

  private

  def verified(token, key, algorithm)
    JWT.decode(token, key, true, algorithm: algorithm, verify_expiration: false).first
  end

  def decoded(part)
    JSON.parse(JWT::Base64.url_decode(part))
  end

  # The headers and the body with which a client would create a label.
  def sent(client)
    request = nil
    Typhoeus.before { |made| request = made and false } # stops it
    begin
      LabelsApi.new(client).create_label(CreateLabelParameters.new(user_uid: 'ID1', key: 'email', value: 'verified'))
    rescue StandardError
      nil
    ensure
      Typhoeus.before.clear
    end
    [request.options[:headers], JSON.parse(request.options[:body])]
  end
end

# frozen_string_literal: true

require 'json'
require 'jwt'
require 'openssl'
require 'securerandom'
require 'set' # the generated sources use it without saying so
require 'uri'
require 'barong_management'

# Signs the calls that the generated sources make.
#
#   include BarongManagement
#   client = EnvelopeClient.new('https://barong.example/api/v2/management', Signer.new('backend-1', pem))
#   user = UsersApi.new(client).get_user(GetUserParameters.new(email: 'ada@example.com'))
#
# The generated sources stay as they are: a client of this file takes the place of
# their ApiClient, and signs in the methods that make the body and the headers.
module BarongManagement
  # A name that the server's keychain knows, and the private key behind it.
  class Signer
    CURVES = { 'prime256v1' => 'ES256', 'secp384r1' => 'ES384', 'secp521r1' => 'ES512' }.freeze
    private_constant :CURVES

    attr_reader :name, :algorithm

    # @param key [String] a private key in PEM, or for HS256, HS384 and HS512 the secret
    # @param algorithm [String] the one that the keychain has; without it, it follows
    #   from the key: RS256, EdDSA, or the ES one of the curve
    def initialize(name, key, algorithm = nil)
      @name = name
      @key = algorithm.to_s.start_with?('HS') ? key : OpenSSL::PKey.read(key)
      @algorithm = algorithm || algorithm_of(@key)
    end

    # @return [String] the claims as a compact JWS (RFC 7515, section 7.1)
    def sign(claims, headers = {})
      return JWT.encode(claims, @key, algorithm, headers) unless algorithm == 'EdDSA'

      # The gem wants another library for EdDSA; OpenSSL has it.
      input = [{ alg: algorithm, **headers }, claims].map { |part| encode(JSON.generate(part)) }.join('.')
      "#{input}.#{encode(@key.sign(nil, input))}"
    end

    private

    def algorithm_of(key)
      case key.oid
      when 'rsaEncryption' then 'RS256'
      when 'ED25519' then 'EdDSA'
      when 'id-ecPublicKey' then CURVES[key.group.curve_name]
      end || raise(ArgumentError, 'no algorithm of the management API signs with a key of this kind')
    end

    def encode(bytes)
      JWT::Base64.url_encode(bytes)
    end
  end

  # What the two clients share.
  class SigningClient < ApiClient
    LIFETIME = 60 # seconds that a signature is good
    TIMEOUT = 30 # seconds that a call may take, unless config.timeout says otherwise

    # The operationId at each place of openapi.yaml: what the claim op says.
    OPERATIONS = {
      'POST /timestamp' => 'getTimestamp',
      'POST /labels' => 'createLabel',
      'PUT /labels' => 'updateLabel',
      'POST /labels/delete' => 'deleteLabel',
      'POST /labels/list' => 'listLabels',
      'POST /labels/filter/users' => 'filterUsersByLabel',
      'POST /users' => 'createUser',
      'POST /users/import' => 'importUser',
      'POST /users/list' => 'listUsers',
      'POST /users/get' => 'getUser',
      'POST /otp/sign' => 'signOTP',
      'POST /documents' => 'createDocument'
    }.freeze

    BASE_PATH = '/api/v2/management'
    private_constant :BASE_PATH

    # The server is asked to refuse parameters that it does not know: calls send
    # Prefer: handling=strict, unless default_headers say how to handle them.
    #
    # @param url [String] of the server, or with a path that of the operations
    # @param clock [Proc] gives Unix seconds
    # @param new_id [Proc] gives a jti that was never given before
    def initialize(url, clock: -> { Time.now.to_i }, new_id: -> { SecureRandom.hex })
      uri = URI(url)
      super(Configuration.new do |config|
        config.scheme = uri.scheme
        config.host = "#{uri.host}:#{uri.port}"
        config.base_path = uri.path.delete_suffix('/').then { |path| path.empty? ? BASE_PATH : path }
        config.timeout = TIMEOUT
      end)
      @default_headers['Prefer'] = 'handling=strict'
      @clock = clock
      @new_id = new_id
    end

    # Notes which operation is being signed for, in the fiber that signs.
    def build_request(http_method, path, opts = {})
      Thread.current[:barong_operation] = OPERATIONS["#{http_method.to_s.upcase} #{path}"]
      super
    ensure
      Thread.current[:barong_operation] = nil
    end

    # The generated method would send an empty Bearer token.
    def update_params_for_auth!(_headers, _query, _names); end

    private

    def claims
      now = @clock.call
      { iat: now, exp: now + LIFETIME, jti: @new_id.call, op: Thread.current[:barong_operation] }.compact
    end
  end

  # Sends the parameters in an envelope that one or several parties sign.
  class EnvelopeClient < SigningClient
    # @param signers [Array<Signer>]
    def initialize(url, *signers, **options)
      raise ArgumentError, 'an envelope needs a signer' if signers.empty?

      super(url, **options)
      @signers = signers
    end

    def build_request_body(headers, _form, body)
      headers['Content-Type'] = 'application/jose+json'
      signed = body ? claims.merge(data: JSON.parse(body)) : claims
      payload = nil
      signatures = @signers.map do |signer|
        protected, payload, signature = signer.sign(signed).split('.')
        { protected: protected, header: { kid: signer.name }, signature: signature }
      end
      JSON.generate(payload: payload, signatures: signatures)
    end
  end

  # Sends the parameters as they are, with a fresh Bearer token of one signer, good
  # for one operation.
  class BearerClient < SigningClient
    def initialize(url, signer, **options)
      super(url, **options)
      @signer = signer
    end

    def update_params_for_auth!(headers, _query, _names)
      headers['Authorization'] = "Bearer #{@signer.sign(claims, { kid: @signer.name })}"
    end
  end

  # What the generated class leaves to read.
  class ApiError
    # @return [Array<String>] what the server says is wrong: one sentence or several.
    #   Where something else answered it is the body as it came, and where nobody
    #   did the reason.
    def sentences
      Array(JSON.parse(response_body).fetch('error'))
    rescue JSON::ParserError, KeyError, TypeError, NoMethodError
      [response_body.to_s.empty? ? message : response_body]
    end
  end
end

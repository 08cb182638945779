# frozen_string_literal: true

require 'json'
require 'jwt'
require 'openssl'
require 'securerandom'

module BarongManagement
  # A name that the server's keychain knows, and its private key.
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
      @algorithm = algorithm || default_algorithm(@key)
    end

    # @return [String] the claims as a compact JWS (RFC 7515, section 7.1)
    def sign(claims, headers = {})
      return JWT.encode(claims, @key, algorithm, headers) unless algorithm == 'EdDSA'

      # The gem wants another library for EdDSA; OpenSSL has it.
      input = [{ alg: algorithm, **headers }, claims].map { |part| encode(JSON.generate(part)) }.join('.')
      "#{input}.#{encode(@key.sign(nil, input))}"
    end

    private

    def default_algorithm(key)
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

  # Makes the claims of each request.
  class Claims
    LIFETIME = 60 # seconds for which a signature is valid

    # @param clock [Proc] returns Unix seconds
    # @param new_id [Proc] returns a jti that it never returned before
    def initialize(clock, new_id)
      @clock = clock
      @new_id = new_id
    end

    def new_id
      @new_id.call
    end

    def make(operation, jti)
      now = @clock.call
      { iat: now, exp: now + LIFETIME, jti: jti, op: operation }.compact
    end
  end

  # Puts the parameters into an envelope that one or several signers sign.
  class Envelope
    # @param signers [Array<Signer>]
    def initialize(*signers)
      raise ArgumentError, 'an envelope needs a signer' if signers.empty?

      @signers = signers
    end

    # @return [Array(Hash, String)] the headers and the body that are sent
    def sign(claims, headers, body)
      claims = claims.merge(data: JSON.parse(body)) if body
      payload = nil
      signatures = @signers.map do |signer|
        protected, payload, signature = signer.sign(claims).split('.')
        { protected: protected, header: { kid: signer.name }, signature: signature }
      end
      [headers.merge('Content-Type' => 'application/jose+json'), JSON.generate(payload: payload, signatures: signatures)]
    end
  end

  # Leaves the parameters as they are, and adds a fresh Bearer token that is valid
  # for one operation.
  class Bearer
    # @param signer [Signer]
    def initialize(signer)
      @signer = signer
    end

    # @return [Array(Hash, String)] the headers and the body that are sent
    def sign(claims, headers, body)
      [headers.merge('Authorization' => "Bearer #{@signer.sign(claims, { kid: @signer.name })}"), body]
    end
  end
end

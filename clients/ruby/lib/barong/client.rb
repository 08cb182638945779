# frozen_string_literal: true

require 'securerandom'
require 'uri'

module BarongManagement
  # Whether a response with these headers repeats that of an earlier request with the same
  # idempotency key. That is also the case where the response to an earlier attempt of the
  # same call was lost.
  #
  #   label, status, headers = client.labels.create_label_with_http_info(parameters)
  def self.replayed?(headers)
    headers['Idempotent-Replayed'] == 'true'
  end

  # Calls the server. Its operations are in users, phones, labels, documents, service_accounts,
  # api_keys, otp and tools.
  #
  #   client = BarongManagement::Client.new('https://barong.example', Envelope.new(Signer.new('backend-1', pem)))
  #   user = client.users.get_user(GetUserParameters.new(email: 'ada@example.com'))
  #
  # It takes the place of the generated ApiClient, so that UsersApi.new(client) and the
  # like work too: each of their calls ends in call_api, with the parameters as JSON.
  class Client < ApiClient
    BASE_PATH = '/api/v2/management'
    CONNECT_TIMEOUT = 5 # seconds
    READ_TIMEOUT = 60 # seconds: more than the server gives itself
    ACCEPT = 'application/json, application/problem+json'
    NOT_SENT = %i[couldnt_connect couldnt_resolve_host couldnt_resolve_proxy].freeze
    private_constant :BASE_PATH, :ACCEPT, :NOT_SENT

    attr_reader :users, :phones, :labels, :documents, :service_accounts, :api_keys, :otp, :tools

    # The server is asked to refuse parameters that it does not know: calls send
    # Prefer: handling=strict, unless default_headers say how to handle them.
    #
    # @param url [String] of the server, or with a path that of the operations
    # @param signing [Envelope, Bearer]
    # @param connect_timeout [Numeric] the seconds that an attempt may take to connect
    # @param read_timeout [Numeric] the seconds that an attempt may take as a whole
    # @param retries [Retries]
    # @param logger [Logger] gets one record for each attempt
    # @param clock [Proc] returns Unix seconds
    # @param new_id [Proc] returns a jti that it never returned before
    def initialize(url, signing, connect_timeout: CONNECT_TIMEOUT, read_timeout: READ_TIMEOUT, retries: Retries.new, logger: nil,
                   clock: -> { Time.now.to_i }, new_id: -> { SecureRandom.hex })
      super(configuration(URI(url), read_timeout))
      self.user_agent = USER_AGENT
      @default_headers['Prefer'] = 'handling=strict'
      @signing = signing
      @connect_timeout = connect_timeout
      @retries = retries
      @logger = logger
      @claims = Claims.new(clock, new_id)
      @users, @labels, @service_accounts = [Users, Labels, ServiceAccounts].map { |operations| operations.new(self) }
      @phones, @documents, @api_keys, @otp, @tools = [PhonesApi, DocumentsApi, ApiKeysApi, OtpApi, ToolsApi].map { |operations| operations.new(self) }
    end

    # Sends a request, and again where that is safe and may help. Each attempt is signed
    # by itself. All attempts of a call have the same jti, and of a write the same random
    # Idempotency-Key, so that a server can execute one of them. For another key, as a
    # program that repeats the call itself needs it:
    #
    #   client.labels.create_label(parameters, header_params: { 'Idempotency-Key' => '"job-7"' })
    #
    # @return [Array(Object, Integer, Hash)] data, status and headers of the response
    def call_api(http_method, path, opts = {})
      opts = with_key(operation(http_method, path), opts).merge(jti: @claims.new_id)
      response = @retries.run(operation(http_method, path)) do |attempt|
        logged(http_method, path, attempt) { build_request(http_method, path, opts).run }
      end
      data = deserialize(response, opts[:return_type]) if opts[:return_type]
      [data, response.code, response.headers]
    end

    # A signed request.
    def build_request(http_method, path, opts = {})
      super.tap do |request|
        options = request.options
        options[:connecttimeout] = @connect_timeout
        claims = @claims.make(operation(http_method, path), opts[:jti] || @claims.new_id)
        signed = @signing.sign(claims, options[:headers], options[:body])
        options[:headers], options[:body] = signed
        # libcurl itself sends a request again when a connection that it used before ends
        # without a response. On a new connection it does not.
        options[:fresh_connect] = true unless REPEATABLE.include?(operation(http_method, path))
      end
    end

    # The generated method would send an empty Bearer token.
    def update_params_for_auth!(_headers, _query, _names); end

    # Asks for errors with codes and fields.
    def select_header_accept(_accepts)
      ACCEPT
    end

    private

    def configuration(uri, read_timeout)
      Configuration.new do |config|
        config.scheme = uri.scheme
        config.host = "#{uri.host}:#{uri.port}"
        config.base_path = uri.path.delete_suffix('/').then { |path| path.empty? ? BASE_PATH : path }
        config.timeout = read_timeout
      end
    end

    def operation(http_method, path)
      OPERATIONS["#{http_method.to_s.upcase} #{path}"]
    end

    # The options of a call: those of a write have an idempotency key
    # (draft-ietf-httpapi-idempotency-key-header), unless they had one already.
    def with_key(operation, opts)
      headers = { **@default_headers, **opts[:header_params] }
      return opts if operation.nil? || READS.include?(operation) || headers.any? { |name, _| name.to_s.casecmp?('Idempotency-Key') }

      opts.merge(header_params: { **opts[:header_params], 'Idempotency-Key' => "\"#{SecureRandom.uuid}\"" })
    end

    # Writes one record for an attempt: no parameters, no signature, no part of the
    # response's body.
    #
    # @return [Typhoeus::Response] a success; everything else is raised
    def logged(http_method, path, attempt)
      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      response = yield
      milliseconds = ((Process.clock_gettime(Process::CLOCK_MONOTONIC) - started) * 1000).round
      request = "#{http_method.to_s.upcase} #{path}"
      error = error_of(request, response)
      status = error ? error.status : response.code
      @logger&.add(severity(status)) do
        outcome = status.zero? ? "no response (#{response.return_message})" : status
        "#{request}: #{outcome} in #{milliseconds} ms, attempt #{attempt}, request #{response.headers&.[]('X-Request-Id') || 'unknown'}"
      end
      error ? raise(error) : response
    end

    def severity(status)
      case status
      when 200..299 then Logger::DEBUG
      when 0, 429, 500.. then Logger::WARN
      else Logger::INFO
      end
    end

    def error_of(request, response)
      return if response.success?

      if response.return_code == :ok && response.code.positive?
        ApiError.new(request: request, code: response.code, message: response.status_message,
                     response_headers: response.headers, response_body: response.body)
      else
        sent = !NOT_SENT.include?(response.return_code) && response.request_size.to_i.positive?
        NoResponseError.new(request: request, code: 0, message: response.return_message, sent: sent)
      end
    end
  end
end

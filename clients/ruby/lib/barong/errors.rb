# frozen_string_literal: true

require 'json'
require 'time'

module BarongManagement
  # A rule that a request breaks: the parameter, empty where it is about several; a code
  # that is stable, for programs, such as email_taken; and a message.
  Violation = Struct.new(:field, :code, :message)

  # A response that is not a success: the generated class, whose code is the status of
  # HTTP, with what the response says. docs/errors.md of the server lists them all.
  class ApiError
    PREFIX = 'urn:barong:error:'
    private_constant :PREFIX

    # @return [String] the method and the path
    attr_reader :request

    # @return [Integer] the status of HTTP; 0 where there is no response
    alias status code

    # @return [String, nil] the kind of the error, such as not_found or invalid_record;
    #   nil where the response is not the server's
    def error_code
      type = document['type']
      type.delete_prefix(PREFIX) if type.is_a?(String) && type.start_with?(PREFIX)
    end

    # @return [Array<Violation>] the rules that the parameters break, where the server says which
    def violations
      Array(document['errors']).grep(Hash).map do |entry|
        Violation.new(field(entry['pointer'].to_s), entry['code'].to_s, entry['detail'].to_s)
      end
    end

    # @return [Array<String>] what the server says is wrong: a message for each rule that a
    #   record breaks, else one; empty where the response is not the server's
    def messages
      return violations.map(&:message) if error_code == 'invalid_record'

      Array(document['error'] || document['detail']).grep(String)
    end

    # @return [String, nil] the id under which the server's log has the request
    def request_id
      response_headers && response_headers['X-Request-Id']
    end

    # @return [Float, nil] with 429 and 503, the seconds after which the request may succeed:
    #   Retry-After gives them as such or as a date (RFC 9110, section 10.2.3)
    def retry_after
      value = response_headers && response_headers['Retry-After'].to_s.strip
      return value.to_f if value&.match?(/\A\d+\z/)

      [Time.httpdate(value) - Time.now, 0.0].max if value
    rescue ArgumentError
      nil
    end

    # @return [Array<String>] messages, or where there are none the body as it arrived,
    #   or the message where there is none
    def sentences
      return messages unless messages.empty?

      [response_body.to_s.empty? ? message : response_body]
    end

    remove_method :message
    def message
      text = [request, [code, @message].reject { |part| part.nil? || part == 0 }.join(' '), messages.join(', ')].compact.reject(&:empty?).join(': ')
      request_id ? "#{text} (request #{request_id})" : text
    end

    private

    def document
      @document ||= begin
        parsed = JSON.parse(response_body.to_s)
        parsed.is_a?(Hash) ? parsed : {}
      rescue JSON::ParserError
        {}
      end
    end

    # The parameter that a JSON pointer (RFC 6901) is to.
    def field(pointer)
      pointer.delete_prefix('/').gsub('~1', '/').gsub('~0', '~')
    end
  end

  # The server could not be reached, or its response did not arrive. The status is 0.
  class NoResponseError < ApiError
    # @return [Boolean] false where nothing was sent, so that the server certainly did nothing
    attr_reader :sent
  end
end

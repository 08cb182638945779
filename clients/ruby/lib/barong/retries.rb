# frozen_string_literal: true

module BarongManagement
  # How often a request is sent, and how long the client waits in between. Times are
  # in seconds.
  #
  # A request is sent again where that is safe: every operation where no connection was
  # made; all but signOTP after 429, 503, 409 with Retry-After, and where the response
  # did not arrive. A write may have been executed in these cases; its idempotency key
  # has the server execute it once and repeat the first response.
  class Retries
    # @param attempts [Integer] how often a request is sent at most; 1 turns retries off
    # @param backoff [Numeric] the upper bound of the first wait, which doubles with each
    #   attempt; the wait is random between 0 and the bound
    # @param max_backoff [Numeric] the largest upper bound
    # @param max_retry_after [Numeric] how much of a Retry-After is waited for; the
    #   wait is no shorter
    # @param writes [Boolean] whether writes other than updateLabel are retried after 503,
    #   409 and without a response; false for a server that ignores the header
    #   Idempotency-Key, such as Barong itself, which may execute a retried write twice
    def initialize(attempts: 3, backoff: 0.2, max_backoff: 10, max_retry_after: 60, writes: true,
                   sleep: ->(seconds) { Kernel.sleep(seconds) }, random: -> { Kernel.rand })
      raise ArgumentError, 'a request needs at least one attempt' if attempts < 1

      @attempts = attempts
      @backoff = backoff
      @max_backoff = max_backoff
      @max_retry_after = max_retry_after
      @writes = writes
      @sleep = sleep
      @random = random
    end

    # Yields the number of each attempt, from 1, until the block returns without an
    # ApiError or there is to be no other attempt.
    def run(operation)
      attempt = 1
      begin
        yield attempt
      rescue ApiError => e
        raise unless attempt < @attempts && repeat?(operation, e)

        @sleep.call(wait(e, attempt))
        attempt += 1
        retry
      end
    end

    private

    def repeat?(operation, error)
      return !error.sent || harmless?(operation) if error.is_a?(NoResponseError)

      case error.status
      when 409 then error.retry_after && harmless?(operation) # the first attempt is still being executed
      when 429 then !COUNTED.include?(operation)
      when 503 then harmless?(operation)
      end
    end

    def harmless?(operation)
      REPEATABLE.include?(operation) || (@writes && !operation.nil? && !COUNTED.include?(operation))
    end

    def wait(error, attempt)
      jittered = @random.call * [@max_backoff, @backoff * 2**(attempt - 1)].min
      [jittered, [error.retry_after || 0, @max_retry_after].min].max
    end
  end
end

# frozen_string_literal: true

require 'barong'

# The former names, for programs that require this file.
module BarongManagement
  # A Client whose parameters are in an envelope.
  class EnvelopeClient < Client
    # @param signers [Array<Signer>]
    def initialize(url, *signers, **settings)
      super(url, Envelope.new(*signers), **settings)
    end
  end

  # A Client that sends Bearer tokens.
  class BearerClient < Client
    # @param signer [Signer]
    def initialize(url, signer, **settings)
      super(url, Bearer.new(signer), **settings)
    end
  end
end

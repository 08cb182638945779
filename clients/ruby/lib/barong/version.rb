# frozen_string_literal: true

module BarongManagement
  # The version of the gem; of its sources, where they are not installed as one.
  CLIENT_VERSION = (Gem.loaded_specs['barong_management']&.version || VERSION).to_s

  # How the client names itself to the server.
  USER_AGENT = "barong-ruby/#{CLIENT_VERSION} Ruby/#{RUBY_VERSION}"
end

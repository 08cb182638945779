# frozen_string_literal: true

module BarongManagement
  # Reads lists page by page.
  module Pages
    # @return [Enumerator] the entries of all pages, from that of the parameters on. A page
    #   is asked for when the one before is used up; fetch returns it, with its status
    #   and headers.
    def self.all(parameters, &fetch)
      Enumerator.new do |entries|
        asked = parameters.dup
        loop do
          page, _, headers = fetch.call(asked)
          page.each { |entry| entries << entry }
          break unless headers['Link'].to_s.include?('rel="next"')

          asked.page = (asked.page || 1) + 1
        end
      end
    end
  end

  # The generated operations on users, and an iterator.
  class Users < UsersApi
    # All users that list_users returns. limit says how many a page has.
    #
    # @param parameters [ListUsersParameters]
    # @return [Enumerator<ListedUser>]
    def list_all(parameters = ListUsersParameters.new)
      Pages.all(parameters) { |asked| list_users_with_http_info(list_users_parameters: asked) }
    end
  end

  # The generated operations on service accounts, and an iterator.
  class ServiceAccounts < ServiceAccountsApi
    # All accounts that list_service_accounts returns. limit says how many a page has.
    #
    # @param parameters [ListServiceAccountsParameters]
    # @return [Enumerator<ServiceAccount>]
    def list_all(parameters = ListServiceAccountsParameters.new)
      Pages.all(parameters) { |asked| list_service_accounts_with_http_info(list_service_accounts_parameters: asked) }
    end
  end

  # The generated operations on labels, and an iterator.
  class Labels < LabelsApi
    # All users that filter_users_by_label returns. limit says how many a page has.
    #
    # @param parameters [FilterUsersByLabelParameters]
    # @return [Enumerator<ListedUser>]
    def filter_all(parameters)
      Pages.all(parameters) { |asked| filter_users_by_label_with_http_info(asked) }
    end
  end
end

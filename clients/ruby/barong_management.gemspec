# frozen_string_literal: true

Gem::Specification.new do |gem|
  gem.name = 'barong_management'
  gem.version = '2.3.38' # that of the interface: openapi.yaml
  gem.summary = 'The management API of the Barong OAuth server, from Ruby'
  gem.description = 'A method for each operation, a class for each record, every request signed.'
  gem.authors = ['The maintainers of barong']
  gem.license = 'Apache-2.0'
  gem.required_ruby_version = '>= 3.1'
  gem.files = Dir['lib/**/*.rb', 'docs/*.md', 'README.md']
  gem.metadata = { 'rubygems_mfa_required' => 'true' }

  # The oldest versions that the tests run with are Debian 12's.
  gem.add_dependency 'jwt', '~> 2.5'
  gem.add_dependency 'typhoeus', '~> 1.4'
end

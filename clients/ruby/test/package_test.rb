# frozen_string_literal: true

require 'minitest/autorun'
require 'rubygems/package'
require 'tmpdir'

# The gem as others install it.
class PackageTest < Minitest::Test
  HOME = File.expand_path('..', __dir__)

  def test_gem_has_the_sources_and_names_what_they_need
    Dir.mktmpdir do |folder|
      file = File.join(folder, 'barong_management.gem')
      output = IO.popen([Gem.ruby, '-S', 'gem', 'build', 'barong_management.gemspec', '--output', file], chdir: HOME, err: %i[child out], &:read)
      assert File.exist?(file), output
      gem = Gem::Package.new(file)
      assert_empty %w[lib/barong.rb lib/barong/client.rb lib/barong_signing.rb lib/barong_management.rb lib/barong_management/api/users_api.rb README.md] - gem.contents
      assert_empty(gem.contents.grep(/\Atest/))
      assert_equal %w[jwt typhoeus], gem.spec.dependencies.map(&:name).sort

      # Only what is in it is loaded.
      gem.extract_files(folder)
      loaded = IO.popen([Gem.ruby, "-I#{folder}/lib", '-e', 'require "barong"; print BarongManagement::Client'], err: %i[child out], &:read)
      assert_equal 'BarongManagement::Client', loaded
    end
  end
end

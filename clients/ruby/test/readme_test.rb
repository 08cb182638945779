# frozen_string_literal: true

require 'minitest/autorun'
require 'open3'
require 'rbconfig'

# The program of the README, run as it stands there.
class ReadmeTest < Minitest::Test
  HOME = File.dirname(__dir__)

  def test_its_program_labels_a_user
    program = File.read("#{HOME}/README.md")[/```ruby\n(.*?)```/m, 1]
    output, errors, = Open3.capture3(RbConfig.ruby, '-Ilib', stdin_data: program, chdir: HOME)
    assert_empty errors
    assert_equal ['profile: partial', 'email: verified', 'the account is active'], output.lines(chomp: true).drop(1)
  end
end

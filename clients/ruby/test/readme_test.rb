# frozen_string_literal: true

require 'minitest/autorun'
require 'open3'
require 'rbconfig'

# The programs of the README, run as they stand there, as one.
class ReadmeTest < Minitest::Test
  HOME = File.dirname(__dir__)

  def test_its_programs_do_what_it_says
    programs = File.read("#{HOME}/README.md").scan(/```ruby\n(.*?)```/m).join("\n")
    output, errors, = Open3.capture3(RbConfig.ruby, '-Ilib', stdin_data: programs, chdir: HOME)
    assert_empty errors
    assert_equal [
      'profile: partial', 'email: verified', 'the account is active',
      'users found: true',
      'it is true',
      'the plan is gold',
      'replayed: false', 'replayed: true',
      'listed: true', 'filtered: active',
      '422 invalid_record [["email", "email_invalid"], ["password", "password_too_weak"]]',
      'DEBUG POST /timestamp: 201'
    ], output.lines(chomp: true).drop(1)
  end
end

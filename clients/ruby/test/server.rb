# frozen_string_literal: true

require 'minitest/autorun'
require 'barong'

# The server that the tests call, as their environment tells.
module Server
  include BarongManagement

  API = ENV.fetch('BARONG_API')
  OTP_UID = ENV.fetch('BARONG_OTP_UID')
  FIRST, SECOND = %w[backend-1 backend-2].map do |name|
    Signer.new(name, File.read("#{ENV.fetch('BARONG_KEYS')}/#{name}.pem"))
  end
  BOTH = Client.new(API, Envelope.new(FIRST, SECOND))
  BASE32 = [*'A'..'Z', *'2'..'7'].freeze # RFC 4648, section 6
  OTP_KEY = [ENV.fetch('BARONG_OTP_SECRET').chars.map { |digit| format('%05b', BASE32.index(digit)) }.join].pack('B*')
  DIGEST = '$2a$04$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'

  def unique(name)
    "#{name}-#{SecureRandom.hex(6)}"
  end

  # A new user.
  def imported(through: BOTH, **parameters)
    email = "#{unique('ada')}@example.com"
    through.users.import_user(ImportUserParameters.new(email: email, password_digest: DIGEST, **parameters))
  end

  # The next code that the server takes (RFC 6238). Each counts once, and one
  # step of drift counts either way: three at once.
  def otp_code
    sleep 3 if Time.now.to_i % 30 > 28 # or the first of the three would be too old on arrival
    step = @@last_step = [@@last_step + 1, Time.now.to_i / 30 - 1].max
    sleep [0, (step - 1) * 30 - Time.now.to_f].max
    mac = OpenSSL::HMAC.digest('SHA1', OTP_KEY, [step].pack('Q>'))
    number = mac[mac.bytes.last & 0xf, 4].unpack1('N') & 0x7fffffff
    format('%06d', number % 1_000_000)
  end
  @@last_step = 0
end

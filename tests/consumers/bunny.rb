# frozen_string_literal: true

# Reads events as Barong's consumers do: it declares the exchange without options, binds a queue that ends
# with the connection, verifies the one signature with the public key, and reads the claims. Arguments:
# the URL of the broker, the file with the public key, the number of events, and routing keys.

require 'base64'
require 'bunny'
require 'json'
require 'openssl'

url, key_file, count, *keys = ARGV
key = OpenSSL::PKey.read(File.read(key_file))

def decode(text)
  Base64.urlsafe_decode64(text + '=' * (-text.length % 4))
end

session = Bunny.new(url).tap(&:start)
channel = session.create_channel
queue = channel.queue('', exclusive: true, auto_delete: true)
keys.each { |routing_key| queue.bind(channel.direct('barong.events.model'), routing_key: routing_key) }
queue.subscribe do |delivery, metadata, body|
  envelope = JSON.parse(body)
  signature, *others = envelope.fetch('signatures')
  header = JSON.parse(decode(signature.fetch('protected')))
  signed = "#{signature.fetch('protected')}.#{envelope.fetch('payload')}"
  good = others.empty? && header == { 'alg' => 'RS256' } && signature.dig('header', 'kid') == 'barong' &&
         key.verify(OpenSSL::Digest.new('SHA256'), decode(signature.fetch('signature')), signed)
  claims = JSON.parse(decode(envelope.fetch('payload')))
  current = claims['iss'] == 'barong' && claims['iat'] <= Time.now.to_i && claims['exp'] > Time.now.to_i
  puts JSON.generate(
    good: good, current: current, routing_key: delivery.routing_key, content_type: metadata.content_type,
    jti: claims['jti'], message_id: metadata.message_id, event: claims.fetch('event')
  )
  $stdout.flush
end
puts 'bound'
$stdout.flush
lines = 0
$stdin.each_line { lines += 1; break if lines >= count.to_i } # the test writes a line when it has read enough
session.close

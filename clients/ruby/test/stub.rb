# frozen_string_literal: true

require 'minitest/autorun'
require 'socket'
require 'barong'

# A server on this machine whose responses a test writes down beforehand.
class Stub
  SIGNER = BarongManagement::Signer.new('backend-1', 'a secret of thirty-two characters', 'HS256')
  Request = Struct.new(:line, :headers, :body)

  attr_reader :requests, :slept, :url

  # Answers with what script has, the last entry for good: [status, headers, document],
  # or :hang_up, or :wait.
  def self.open(*script)
    stub = new(script)
    yield stub
  ensure
    stub&.close
  end

  # A port on which nobody listens.
  def self.unused_port
    holder = TCPServer.new('127.0.0.1', 0)
    holder.addr[1].tap { holder.close }
  end

  # A port whose system answers no more connections: what a client sees of a server
  # that is off the network.
  def self.full_backlog
    listener = Socket.new(:INET, :STREAM)
    listener.bind(Addrinfo.tcp('127.0.0.1', 0))
    listener.listen(0)
    waiting = Array.new(4) { Socket.new(:INET, :STREAM).tap { |socket| socket.connect_nonblock(listener.local_address, exception: false) } }
    yield listener.local_address.ip_port
  ensure
    [listener, *waiting].each(&:close)
  end

  def initialize(script)
    @script = script
    @requests = [] # in the order of their arrival
    @slept = [] # what the client waited between attempts
    @server = TCPServer.new('127.0.0.1', 0)
    @url = "http://127.0.0.1:#{@server.addr[1]}"
    @thread = Thread.new { loop { Thread.new(@server.accept) { |connection| serve(connection) } } }
  end

  def close
    @thread.kill
    @server.close
  end

  # A client that notes its waits instead of waiting.
  def client(signing = BarongManagement::Envelope.new(SIGNER), retries: {}, random: 0.0, **settings)
    retries = BarongManagement::Retries.new(sleep: ->(seconds) { @slept << seconds }, random: -> { random }, **retries)
    BarongManagement::Client.new(@url, signing, retries: retries, **settings)
  end

  private

  def serve(connection)
    while (line = connection.gets)
      headers = {}
      while (header = connection.gets.chomp) != ''
        name, value = header.split(': ', 2)
        headers[name.downcase] = value
      end
      @requests << Request.new(line.chomp, headers, connection.read(headers['content-length'].to_i))
      reply = @script.size > 1 ? @script.shift : @script.first
      break if reply == :hang_up

      reply == :wait ? sleep(2) : answer(connection, *reply)
    end
  rescue SystemCallError
    nil # the client ended the connection
  ensure
    connection.close
  end

  def answer(connection, status, headers, document)
    text = JSON.generate(document)
    headers = { 'Content-Type' => 'application/json', 'Content-Length' => text.bytesize }.merge(headers)
    connection.write("HTTP/1.1 #{status} Stub\r\n#{headers.map { |name, value| "#{name}: #{value}\r\n" }.join}\r\n#{text}")
  end
end

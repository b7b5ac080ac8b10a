# frozen_string_literal: true

require "base64"
require "digest"
require "json"
require "net/http"

# A client of initserve: asks a server for the initial weights of neural networks, reads the .npy and .safetensors files
# that come back, compares them with their digests, and goes on where a download broke off. Ruby 3.0 and later.
module Initserve
  # What a server refused; the message has the problem's detail and its `try`.
  class Problem < StandardError
    attr_reader :status, :document

    def initialize(status, document)
      @status = status
      @document = document
      errors = document.fetch("errors", []).map { |each| "#{each["pointer"]}: #{each["detail"]}" }
      message = document["detail"] || document["title"] || status.to_s
      message += " (#{errors.join("; ")})" unless errors.empty?
      message += "; try #{JSON.generate(document["try"])}" if document.key?("try")
      super(message)
    end
  end

  # Bytes that are not those, or not in the form, that they should be.
  class Damaged < StandardError; end

  WIDTHS = { "float64" => 8, "float32" => 4, "float16" => 2, "bfloat16" => 2 }.freeze
  NPY = { "<f8" => "float64", "<f4" => "float32", "<f2" => "float16" }.freeze
  SAFETENSORS = { "F64" => "float64", "F32" => "float32", "F16" => "float16", "BF16" => "bfloat16" }.freeze

  # An array in C order; its bytes are as they are sent, little-endian.
  Array = Struct.new(:dtype, :shape, :bytes) do
    def self.of(dtype, shape, bytes)
      length = shape.reduce(WIDTHS.fetch(dtype), :*)
      raise Damaged, "#{bytes.bytesize} bytes are no #{dtype} of #{shape}" unless bytes.bytesize == length

      new(dtype, shape, bytes)
    end

    # The values, flat.
    def values
      case dtype
      when "float64" then bytes.unpack("E*")
      when "float32" then bytes.unpack("e*")
      when "bfloat16" then bytes.unpack("v*").map { |bits| bits << 16 }.pack("V*").unpack("e*")
      else bytes.unpack("v*").map { |bits| Initserve.half_value(bits) }
      end
    end
  end

  def self.half_value(bits)
    exponent = bits >> 10 & 31
    fraction = (bits & 0x3ff).to_f
    size = exponent.zero? ? Math.ldexp(fraction, -24) : Math.ldexp(1024 + fraction, exponent - 25)
    size = fraction.zero? ? Float::INFINITY : Float::NAN if exponent == 31
    bits[15] == 1 ? -size : size
  end

  # The array of a .npy file.
  def self.read_npy(file)
    raise Damaged, "this is not a .npy file" unless file.byteslice(0, 6) == "\x93NUMPY".b && file.bytesize >= 12

    start = file.getbyte(6) == 1 ? 10 : 12
    length = start == 10 ? file.unpack1("@8v") : file.unpack1("@8V")
    header = file.byteslice(start, length)
    found = /'descr': *'([^']*)', *'fortran_order': *False, *'shape': *\(([0-9, ]*)\)/.match(header)
    raise Damaged, "arrays as #{header} are not read here" unless found && NPY.key?(found[1])

    shape = found[2].split(",").map(&:strip).reject(&:empty?).map(&:to_i)
    Array.of(NPY.fetch(found[1]), shape, file.byteslice(start + length..))
  end

  # The arrays of a .safetensors file by their keys.
  def self.read_safetensors(file)
    length = file.bytesize < 8 ? Float::INFINITY : file.unpack1("Q<")
    raise Damaged, "this is not a whole .safetensors file" if length > file.bytesize - 8

    entries = JSON.parse(file.byteslice(8, length).force_encoding("UTF-8")).reject { |key, _| key == "__metadata__" }
    entries.to_h do |key, entry|
      first, last = entry["data_offsets"]
      dtype = SAFETENSORS[entry["dtype"]]
      raise Damaged, "#{key} is of #{entry["dtype"]}, which is not read here" unless dtype
      raise Damaged, "#{key} is not in the file" unless first.between?(0, last) && last <= file.bytesize - 8 - length

      [key, Array.of(dtype, entry["shape"], file.byteslice(8 + length + first, last - first))]
    end
  rescue JSON::ParserError => e
    raise Damaged, "the header is not JSON: #{e.message}"
  end

  # Asks the server at a URL.
  class Client
    PASSING = [429, 502, 503, 504].freeze
    BROKEN = [IOError, SystemCallError, Timeout::Error, Net::HTTPBadResponse, Net::ProtocolError, SocketError].freeze

    # +attempts+: how often a request is made before it is given up; +delay+: the first wait, in seconds.
    def initialize(url, attempts: 5, delay: 0.2, key: ENV["INITSERVE_KEY"])
      @key = key
      @url = URI(url.chomp("/"))
      @attempts = attempts
      @delay = delay
    end

    # POST /init: every array by its key, each compared with its digest.
    def init(spec)
      answer = post("/init", spec)
      separator = answer["layout"] == "pytorch" ? "." : "/"
      answer["layers"].flat_map { |layer| layer["parameters"].map { |each| [layer["name"], each] } }.to_h do |name, each|
        key = [name, each["name"]].reject(&:empty?).join(separator)
        array = Initserve.read_npy(Base64.strict_decode64(each["npy"]))
        raise Damaged, "#{key} has not the bytes of its digest" if Digest::SHA256.hexdigest(array.bytes) != each["sha256"]

        [key, array]
      end
    end

    # POST /plan: what a spec's weights would be, with links to them.
    def plan(spec)
      post("/plan", spec)
    end

    # Write the safetensors file of a spec. It has its name only when it is whole.
    def save(spec, path)
      address = plan(spec).dig("links", "safetensors")
      raise Damaged, "the server has no address for this spec; see its warnings" unless address

      part = "#{path}.part"
      begin
        File.open(part, "wb") { |file| download(address, file) }
        File.rename(part, path)
      ensure
        File.delete(part) if File.exist?(part)
      end
    end

    # Write what is at an address; where the connection breaks, it goes on from there.
    def download(address, file)
      digest = Digest::SHA256.new
      length = etag = wanted = nil
      kept = failures = 0
      while length.nil? || kept < length
        headers = { "want-repr-digest" => "sha-256=1", "accept-encoding" => "identity" }
        headers.update("range" => "bytes=#{kept}-", "if-range" => etag) if kept.positive?
        failures += 1
        begin
          ask(Net::HTTP::Get.new(address, headers)) do |answer|
            if kept.zero?
              length = Integer(answer["content-length"])
              etag = answer["etag"]
            elsif !answer["content-range"].to_s.start_with?("bytes #{kept}-")
              raise Damaged, "#{address} changed while it was being fetched"
            end
            wanted = answer["repr-digest"].to_s[/sha-256=:([^:]*):/, 1] || wanted
            answer.read_body do |bytes|
              file.write(bytes)
              digest.update(bytes)
              kept += bytes.bytesize
              failures = 1
            end
          end
        rescue *BROKEN
          raise if failures >= @attempts
        end
        next if kept == length
        raise Damaged, "#{address} broke off after #{kept} bytes" if failures >= @attempts

        sleep(@delay * 2**(failures - 1))
      end
      raise Damaged, "#{address} has not the bytes of its digest" if wanted && wanted != digest.base64digest
    end

    private

    def post(route, spec)
      request = Net::HTTP::Post.new(route, "content-type" => "application/json")
      request.body = JSON.generate(spec)
      ask(request) { |answer| JSON.parse(answer.read_body) }
    end

    # Yield an answer that is no refusal; ask again, after a while, where the server is busy or not there.
    def ask(request)
      request["authorization"] = "Bearer #{@key}" if @key
      (1..@attempts).each do |attempt|
        connection = connect
        if connection.nil?
          raise IOError, "no answer from #{@url}" if attempt == @attempts

          sleep(@delay * 2**(attempt - 1))
          next
        end
        begin
          after = nil
          connection.request(request) do |answer|
            return yield(answer) if answer.code.to_i < 300
            raise problem_of(answer) if attempt == @attempts || !PASSING.include?(answer.code.to_i)

            after = answer["retry-after"]
          end
          sleep(after ? after.to_f : @delay * 2**(attempt - 1))
        ensure
          connection.finish if connection.started?
        end
      end
    end

    def connect
      connection = Net::HTTP.new(@url.host, @url.port)
      connection.use_ssl = @url.scheme == "https"
      connection.max_retries = 0
      connection.start
    rescue *BROKEN
      nil
    end

    def problem_of(answer)
      Problem.new(answer.code.to_i, JSON.parse(answer.read_body))
    rescue JSON::ParserError
      Problem.new(answer.code.to_i, { "title" => "#{answer.code} #{answer.message}" })
    end
  end
end

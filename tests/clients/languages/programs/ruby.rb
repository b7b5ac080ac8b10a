# What test_languages.py asks of each client: read FILES, init URL SPEC, save URL SPEC FILE.
require_relative "../../../../clients/ruby/initserve"

def show(key, array)
  data = array.values.pack(array.dtype == "float64" ? "E*" : "e*")
  shape = array.shape.empty? ? "scalar" : array.shape.join("x")
  puts "#{key} #{array.dtype} #{shape} #{Digest::SHA256.hexdigest(data)}"
end

def show_all(arrays)
  arrays.each { |key, array| show(key, array) }
end

command, *rest = ARGV
begin
  case command
  when "read"
    rest.each do |path|
      file = File.binread(path)
      path.end_with?(".npy") ? show("-", Initserve.read_npy(file)) : show_all(Initserve.read_safetensors(file))
    end
  when "init" then show_all(Initserve::Client.new(rest[0]).init(JSON.parse(File.read(rest[1]))))
  when "save" then Initserve::Client.new(rest[0]).save(JSON.parse(File.read(rest[1])), rest[2])
  end
rescue StandardError => e
  warn "#{e.class}: #{e.message}"
  exit 1
end

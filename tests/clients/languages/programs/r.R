# What test_languages.py asks of each client: read FILES, init URL SPEC, save URL SPEC FILE.
words <- commandArgs(trailingOnly = TRUE)
source(words[1])

show <- function(key, array) {
  dtype <- attr(array, "dtype")
  values <- if (is.null(dim(array))) array else aperm(array)
  data <- writeBin(as.vector(values), raw(), size = if (dtype == "float64") 8 else 4, endian = "little")
  shape <- if (is.null(dim(array))) "scalar" else paste(dim(array), collapse = "x")
  cat(enc2utf8(key), " ", dtype, " ", shape, " ", as.character(openssl::sha256(data)), "\n", sep = "")
}

show_all <- function(arrays) for (key in names(arrays)) show(key, arrays[[key]])

tryCatch(switch(words[2],
  read = for (path in words[-(1:2)]) {
    file <- readBin(path, "raw", file.size(path))
    if (endsWith(path, ".npy")) show("-", initserve_read_npy(file)) else show_all(initserve_read_safetensors(file))
  },
  init = show_all(initserve_init(words[3], readChar(words[4], file.size(words[4]), useBytes = TRUE))),
  save = initserve_save(words[3], readChar(words[4], file.size(words[4]), useBytes = TRUE), words[5])
), error = function(error) {
  cat(conditionMessage(error), "\n", sep = "", file = stderr())
  quit(status = 1)
})

# A client of initserve: asks a server for the initial weights of neural networks, reads the .npy and .safetensors files
# that come back, compares them with their digests, and goes on where a download broke off. R 4.0 and later, with the
# packages curl, jsonlite and openssl.
#
# An array is an R array with the attribute "dtype"; of no dimension it is one number. A spec is JSON as text.
# A server that wants an API key gets that of the environment's INITSERVE_KEY.
# What a server refuses is a condition of class "initserve_problem", whose message has the problem's detail and its try.

initserve_dtypes <- data.frame(
  name = c("float64", "float32", "float16", "bfloat16"),
  npy = c("<f8", "<f4", "<f2", NA),
  safetensors = c("F64", "F32", "F16", "BF16"),
  width = c(8, 4, 2, 2)
)

.initserve_stop <- function(kind, ..., fields = list()) {
  stop(structure(class = c(kind, "error", "condition"), c(list(message = paste0(...), call = NULL), fields)))
}

.initserve_damaged <- function(...) .initserve_stop("initserve_damaged", ...)

# ---- Reading files

.initserve_halves <- function(bits) {
  exponent <- bitwAnd(bitwShiftR(bits, 10L), 31L)
  fraction <- bitwAnd(bits, 1023L)
  size <- ifelse(exponent == 0, fraction * 2^-24, (1024 + fraction) * 2^(exponent - 25))
  size <- ifelse(exponent == 31, ifelse(fraction == 0, Inf, NaN), size)
  ifelse(bits >= 32768L, -size, size)
}

.initserve_values <- function(bytes, dtype, count) {
  switch(dtype,
    float64 = readBin(bytes, "double", count, size = 8, endian = "little"),
    float32 = readBin(bytes, "double", count, size = 4, endian = "little"),
    float16 = .initserve_halves(readBin(bytes, "integer", count, size = 2, signed = FALSE, endian = "little")),
    bfloat16 = {
      halves <- matrix(bytes, nrow = 2)
      wide <- as.vector(rbind(matrix(as.raw(0), 2, ncol(halves)), halves))
      readBin(wide, "double", count, size = 4, endian = "little")
    }
  )
}

.initserve_array <- function(bytes, dtype, shape) {
  count <- prod(shape)
  if (length(bytes) != count * initserve_dtypes$width[initserve_dtypes$name == dtype]) {
    .initserve_damaged(length(bytes), " bytes are no ", dtype, " of (", paste(shape, collapse = ", "), ")")
  }
  values <- if (count == 0) numeric(0) else .initserve_values(bytes, dtype, count)
  # Files have the last index run fastest, R the first.
  if (length(shape)) values <- aperm(array(values, rev(shape)))
  structure(values, dtype = dtype)
}

.initserve_little_endian <- function(bytes) sum(as.integer(bytes) * 256^(seq_along(bytes) - 1))

#' The array of a .npy file, given as raw bytes.
initserve_read_npy <- function(file) {
  if (length(file) < 12 || !identical(file[1:6], as.raw(c(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)))) {
    .initserve_damaged("this is not a .npy file")
  }
  start <- if (file[7] == 1) 10 else 12
  length <- .initserve_little_endian(file[9:start])
  if (length > length(file) - start) .initserve_damaged("the .npy file is cut off")
  header <- rawToChar(file[start + seq_len(length)])
  pattern <- "'descr': *'([^']*)', *'fortran_order': *False, *'shape': *\\(([0-9, ]*)\\)"
  found <- regmatches(header, regexec(pattern, header))[[1]]
  dtype <- if (length(found)) initserve_dtypes$name[which(initserve_dtypes$npy == found[2])] else character()
  if (!length(dtype)) .initserve_damaged("arrays as ", trimws(header), " are not read here")
  shape <- as.numeric(Filter(nzchar, trimws(strsplit(found[3], ",")[[1]])))
  .initserve_array(file[-seq_len(start + length)], dtype, shape)
}

#' The arrays of a .safetensors file, given as raw bytes: a list by their keys.
initserve_read_safetensors <- function(file) {
  length <- if (length(file) < 8) Inf else .initserve_little_endian(file[1:8])
  if (length > length(file) - 8) .initserve_damaged("this is not a whole .safetensors file")
  header <- rawToChar(file[8 + seq_len(length)])
  Encoding(header) <- "UTF-8"
  entries <- tryCatch(jsonlite::fromJSON(header, simplifyVector = FALSE), error = function(error) {
    .initserve_damaged("the header is not JSON: ", conditionMessage(error))
  })
  entries[["__metadata__"]] <- NULL
  arrays <- lapply(names(entries), function(key) {
    entry <- entries[[key]]
    dtype <- initserve_dtypes$name[initserve_dtypes$safetensors == entry$dtype]
    offsets <- as.numeric(unlist(entry$data_offsets))
    if (!length(dtype)) .initserve_damaged(key, " is of ", entry$dtype, ", which is not read here")
    if (length(offsets) != 2 || offsets[1] < 0 || diff(offsets) < 0 || offsets[2] > length(file) - 8 - length) {
      .initserve_damaged(key, " is not in the file")
    }
    .initserve_array(file[8 + length + offsets[1] + seq_len(diff(offsets))], dtype, as.numeric(unlist(entry$shape)))
  })
  stats::setNames(arrays, names(entries))
}

# ---- Asking a server

.initserve_problem <- function(status, content) {
  text <- rawToChar(content)
  problem <- tryCatch(jsonlite::fromJSON(text, simplifyVector = FALSE), error = function(error) list(title = paste(status, text)))
  message <- if (is.null(problem$detail)) problem$title else problem$detail
  errors <- vapply(problem$errors, function(each) paste0(each$pointer, ": ", each$detail), "")
  if (length(errors)) message <- paste0(message, " (", paste(errors, collapse = "; "), ")")
  if ("try" %in% names(problem)) {
    message <- paste0(message, "; try ", jsonlite::toJSON(problem[["try"]], auto_unbox = TRUE, null = "null"))
  }
  .initserve_stop("initserve_problem", message, fields = list(status = status, problem = problem))
}

.initserve_wait <- function(attempt, after = NULL) {
  Sys.sleep(if (length(after)) as.numeric(after) else 0.2 * 2^(attempt - 1))
}

.initserve_headers <- function(handle) curl::parse_headers_list(curl::handle_data(handle)$headers)

# What a request answers; made again, after a while, where the server is busy or not there.
.initserve_key <- function() {
  key <- Sys.getenv("INITSERVE_KEY")
  if (nzchar(key)) list(authorization = paste("Bearer", key))
}

.initserve_post <- function(url, route, spec, attempts = 5) {
  for (attempt in seq_len(attempts)) {
    handle <- curl::new_handle(copypostfields = spec)
    do.call(curl::handle_setheaders, c(list(handle, "content-type" = "application/json"), .initserve_key()))
    answer <- tryCatch(curl::curl_fetch_memory(paste0(sub("/$", "", url), route), handle), error = function(error) {
      if (attempt == attempts) stop(error)
      NULL
    })
    if (is.null(answer)) {
      .initserve_wait(attempt)
      next
    }
    if (answer$status_code < 300) {
      text <- rawToChar(answer$content)
      Encoding(text) <- "UTF-8"
      return(jsonlite::fromJSON(text, simplifyVector = FALSE))
    }
    if (attempt == attempts || !answer$status_code %in% c(429, 502, 503, 504)) {
      .initserve_problem(answer$status_code, answer$content)
    }
    .initserve_wait(attempt, .initserve_headers(handle)[["retry-after"]])
  }
}

#' Post a spec to /init: a list of every array by its key, each compared with its digest.
initserve_init <- function(url, spec) {
  answer <- .initserve_post(url, "/init", spec)
  separator <- if (identical(answer$layout, "pytorch")) "." else "/"
  arrays <- list()
  for (layer in answer$layers) {
    for (parameter in layer$parameters) {
      key <- paste(Filter(nzchar, c(layer$name, parameter$name)), collapse = separator)
      file <- openssl::base64_decode(parameter$npy)
      start <- 10 + .initserve_little_endian(file[9:10])
      if (as.character(openssl::sha256(file[-seq_len(start)])) != parameter$sha256) {
        .initserve_damaged(key, " has not the bytes of its digest")
      }
      arrays[[key]] <- initserve_read_npy(file)
    }
  }
  arrays
}

#' Write the safetensors file of a spec; where the download breaks off, it goes on. It has its name only when it is whole.
initserve_save <- function(url, spec, path) {
  address <- .initserve_post(url, "/plan", spec)$links$safetensors
  if (is.null(address)) .initserve_damaged("the server has no address for this spec; see its warnings")
  part <- paste0(path, ".part")
  on.exit(unlink(part))
  .initserve_download(paste0(sub("/$", "", url), address), part)
  if (!file.rename(part, path)) .initserve_damaged(path, " cannot be written")
  invisible(path)
}

.initserve_download <- function(address, part, attempts = 5) {
  file <- file(part, "wb")
  on.exit(if (!is.null(file)) close(file))
  state <- list(kept = 0, length = Inf, etag = NULL, wanted = NULL)
  failures <- 0
  while (state$kept < state$length) {
    before <- state$kept
    state <- .initserve_fetch(address, file, state)
    failures <- if (state$kept > before) 1 else failures + 1
    if (state$kept < state$length) {
      if (failures >= attempts) .initserve_damaged(address, " broke off after ", state$kept, " bytes")
      .initserve_wait(failures, state$after)
    }
  }
  close(file)
  file <- NULL
  if (!is.null(state$wanted)) {
    found <- openssl::base64_encode(as.raw(strtoi(substring(openssl::sha256(file(part)), seq(1, 63, 2), seq(2, 64, 2)), 16)))
    if (found != state$wanted) .initserve_damaged(address, " has not the bytes of its digest")
  }
}

# Fetch what is missing, as far as it comes.
.initserve_fetch <- function(address, file, state) {
  handle <- curl::new_handle()
  headers <- list("want-repr-digest" = "sha-256=1", "accept-encoding" = "identity")
  if (state$kept > 0) headers <- c(headers, list(range = sprintf("bytes=%.0f-", state$kept), "if-range" = state$etag))
  do.call(curl::handle_setheaders, c(list(handle), headers, .initserve_key()))
  said <- raw()
  accepted <- FALSE
  refused <- NULL
  accept <- function(bytes) {
    status <- curl::handle_data(handle)$status_code
    if (status >= 300) {
      said <<- c(said, bytes)
      return(length(bytes))
    }
    if (!accepted) {
      state <<- tryCatch(.initserve_accepted(address, .initserve_headers(handle), state), error = function(error) {
        refused <<- error # curl hands on an error's text alone
        stop(error)
      })
      accepted <<- TRUE
    }
    writeBin(bytes, file)
    state$kept <<- state$kept + length(bytes)
    length(bytes)
  }
  state$after <- NULL
  broken <- tryCatch({
    curl::curl_fetch_stream(address, accept, handle)
    NULL
  }, error = identity)
  if (!is.null(refused)) stop(refused)
  status <- curl::handle_data(handle)$status_code
  if (status >= 300) {
    if (!status %in% c(429, 502, 503, 504)) .initserve_problem(status, said)
    state$after <- .initserve_headers(handle)[["retry-after"]]
  } else if (is.null(broken) && !accepted) {
    state$length <- 0 # an empty file
  }
  state
}

.initserve_accepted <- function(address, headers, state) {
  if (state$kept == 0) {
    state$length <- as.numeric(headers[["content-length"]])
    state$etag <- headers[["etag"]]
  } else if (!startsWith(paste0("", headers[["content-range"]]), sprintf("bytes %.0f-", state$kept))) {
    .initserve_damaged(address, " changed while it was being fetched")
  }
  digest <- headers[["repr-digest"]]
  if (!is.null(digest)) state$wanted <- sub(".*sha-256=:([^:]*):.*", "\\1", digest)
  state
}

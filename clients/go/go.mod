module initserve

go 1.19

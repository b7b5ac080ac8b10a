module program

go 1.19

require initserve v0.0.0

replace initserve => ../../../../../clients/go

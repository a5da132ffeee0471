module github.com/tidelock-io/tidelock/plugins/sdk

go 1.26.0

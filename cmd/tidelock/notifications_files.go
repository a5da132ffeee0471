package main

import (
	"encoding/base64"
	"fmt"

	"github.com/tidelock-io/tidelock/secrets"
)

// addSecret adds the values of a Secret as it is written in a file.
func addSecret(to map[string]secrets.Value, data, stringData map[string]string) error {
	for key, encoded := range data {
		plain, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return fmt.Errorf("data.%s is not base64", key)
		}
		to[key] = secrets.New(plain)
	}
	for key, plain := range stringData {
		to[key] = secrets.New([]byte(plain))
	}
	return nil
}

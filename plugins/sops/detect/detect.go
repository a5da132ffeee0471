// Package detect tells a file that SOPS encrypted from any other, without
// decrypting it and without SOPS' own code, which brings every cloud's SDK.
//
// Start with [IsEncrypted].
package detect

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"strings"
)

// Format returns the format in which SOPS encrypts a file of this name: "yaml",
// "json", "dotenv", "ini", and "binary" for all others.
func Format(name string) string {
	switch path.Ext(name) {
	case ".yaml", ".yml":
		return "yaml"
	case ".json":
		return "json"
	case ".env":
		return "dotenv"
	case ".ini":
		return "ini"
	}
	return "binary"
}

// Encrypted returns the format in which SOPS encrypted a file, "" if it did not.
// Content decides where the name does not: ".env.production", "values.enc".
func Encrypted(name string, data []byte) string {
	formats := []string{Format(name)}
	if formats[0] == "binary" {
		formats = append(formats, "dotenv", "ini", "yaml")
	}
	for _, format := range formats {
		if IsEncrypted(data, format) {
			return format
		}
	}
	return ""
}

var (
	yamlMark   = regexp.MustCompile(`(?m)^["']?sops["']?:[ \t]*(#.*)?\r?\n(?:[ \t]+.*\r?\n|[ \t]*\r?\n)*?[ \t]+["']?mac["']?:[ \t]`)
	dotenvMark = regexp.MustCompile(`(?m)^sops_mac=`)
	iniMark    = regexp.MustCompile(`(?m)^\[sops\][ \t]*\r?\n(?:[^\[].*\r?\n|\r?\n)*?mac[ \t]*=`)
)

// IsEncrypted says whether data, in a format that Format knows, holds SOPS'
// metadata: a message authentication code in its place.
func IsEncrypted(data []byte, format string) bool {
	if !bytes.Contains(data, []byte("sops")) || !bytes.Contains(data, []byte("mac")) {
		return false
	}
	switch format {
	case "dotenv":
		return dotenvMark.Match(data)
	case "ini":
		return iniMark.Match(data)
	case "yaml":
		if yamlMark.Match(data) {
			return true
		}
	}
	return inJSON(data)
}

func inJSON(data []byte) bool {
	if !strings.HasPrefix(string(bytes.TrimSpace(data[:min(len(data), 64)])), "{") {
		return false
	}
	var file struct {
		SOPS struct {
			MAC string `json:"mac"`
		} `json:"sops"`
	}
	return json.Unmarshal(data, &file) == nil && file.SOPS.MAC != ""
}

package render

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"

	"github.com/tidelock-io/tidelock/plugins/sops/detect"
)

// optOut is Flux's annotation on objects that stay encrypted.
var optOut = regexp.MustCompile(`kustomize\.toolkit\.fluxcd\.io/decrypt["']?:\s*["']?disabled`)

// sopsFormat tells whether a file was encrypted by SOPS, and in which format:
// "yaml", "json", "dotenv", "ini" or "binary"; "" if it was not. Content decides
// where the name does not: ".env.production", "values.enc".
func sopsFormat(name string, data []byte) string {
	formats := []string{detect.Format(name)}
	if formats[0] == "binary" {
		formats = append(formats, "dotenv", "ini", "yaml")
	}
	for _, format := range formats {
		if detect.IsEncrypted(data, format) && !optOut.Match(data) {
			return format
		}
	}
	return ""
}

// sopsMeta is as much of an encrypted file, or of a list of such, as shows that
// it is one.
type sopsMeta struct {
	SOPS struct {
		MAC string `yaml:"mac"`
	} `yaml:"sops"`
	Items []sopsMeta `yaml:"items"`
}

func (m *sopsMeta) encrypted() bool { return strings.HasPrefix(m.SOPS.MAC, "ENC[") }

// stillEncrypted says whether rendered documents have an object that SOPS
// encrypted: it came by a way on which nothing is decrypted. Text that is no
// YAML is not; its parser will say so.
func stillEncrypted(data []byte) bool {
	if !bytes.Contains(data, []byte("sops")) || !bytes.Contains(data, []byte("ENC[")) || optOut.Match(data) {
		return false
	}
	in := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var meta sopsMeta
		err := in.Decode(&meta)
		if meta.encrypted() || slices.ContainsFunc(meta.Items, func(item sopsMeta) bool { return item.encrypted() }) {
			return true
		}
		var typed *yaml.TypeError // of a field that is not SOPS'
		if err != nil && !errors.As(err, &typed) {
			return false
		}
	}
}

// recipients lists for whom a SOPS file was encrypted, at most five.
func recipients(data []byte) []string {
	found := recipient.FindAllString(string(data), -1)
	slices.Sort(found)
	found = slices.Compact(found)
	return found[:min(5, len(found))]
}

// recipient matches age recipients, PGP fingerprints and AWS key ARNs. The
// formats differ in how they name the field, not in how they write these.
var recipient = regexp.MustCompile(`\bage1[a-z0-9]{58}\b|\b[0-9A-F]{40}\b|\barn:aws[a-z-]*:kms:[A-Za-z0-9:/_-]+`)

package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"
)

// optOut is Flux's annotation on objects that stay encrypted.
const optOut = "kustomize.toolkit.fluxcd.io/decrypt"

// sopsFormat tells whether a file was encrypted by SOPS, from its content, and
// in which format: "yaml", "json", "dotenv", "ini" or "binary"; "" if it was not.
// The extension decides between formats that content alone cannot tell apart.
func sopsFormat(name string, data []byte) string {
	if !mayBeSOPS(data) {
		return ""
	}
	switch {
	case dotenvMac.Match(data):
		return "dotenv"
	case iniSection.Match(data) && iniMac.Match(data):
		return "ini"
	case !anyDocument(data, (*sopsMeta).encrypted):
		return ""
	case isYAML(name):
		return "yaml"
	case path.Ext(name) == ".json":
		return "json"
	case !isJSON(data):
		return "yaml"
	}
	return "binary"
}

var (
	dotenvMac  = regexp.MustCompile(`(?m)^sops_mac=`)
	iniSection = regexp.MustCompile(`(?m)^\[sops\]\s*$`)
	iniMac     = regexp.MustCompile(`(?m)^mac\s*=\s*ENC\[`)
)

func isYAML(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

func isJSON(data []byte) bool {
	data = bytes.TrimSpace(data)
	return len(data) > 0 && data[0] == '{' && json.Valid(data)
}

// sopsMeta is as much of an encrypted file, or of a list of such, as shows that
// it is one.
type sopsMeta struct {
	SOPS struct {
		MAC string `yaml:"mac"`
	} `yaml:"sops"`
	Metadata struct {
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Items []sopsMeta `yaml:"items"`
}

// encrypted says that m has SOPS' mark, and was not opted out.
func (m *sopsMeta) encrypted() bool {
	return strings.HasPrefix(m.SOPS.MAC, "ENC[") && m.Metadata.Annotations[optOut] != "disabled"
}

// anyDocument says whether one of the YAML documents, or JSON, of data is such.
// Text that is neither is not; its reader will say so.
func anyDocument(data []byte, such func(*sopsMeta) bool) bool {
	in := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var meta sopsMeta
		err := in.Decode(&meta)
		if such(&meta) {
			return true
		}
		var typed *yaml.TypeError // of a field that is not SOPS'
		if err != nil && !errors.As(err, &typed) {
			return false
		}
	}
}

// stillEncrypted says whether rendered documents have an object that SOPS
// encrypted: it came by a way on which nothing is decrypted.
func stillEncrypted(data []byte) bool {
	return mayBeSOPS(data) && anyDocument(data, func(m *sopsMeta) bool {
		return m.encrypted() || slices.ContainsFunc(m.Items, func(item sopsMeta) bool { return item.encrypted() })
	})
}

func mayBeSOPS(data []byte) bool {
	return bytes.Contains(data, []byte("sops")) && bytes.Contains(data, []byte("ENC["))
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

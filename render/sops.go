package render

import (
	"bytes"
	"encoding/json"
	"io"
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
	if !bytes.Contains(data, []byte("sops")) || !bytes.Contains(data, []byte("ENC[")) {
		return ""
	}
	switch {
	case dotenvMac.Match(data):
		return "dotenv"
	case iniSection.Match(data) && iniMac.Match(data):
		return "ini"
	}
	meta, encrypted := findSOPS(data)
	switch {
	case !encrypted || meta.Metadata.Annotations[optOut] == "disabled":
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

// sopsMeta is as much of an encrypted file as shows that it is one.
type sopsMeta struct {
	SOPS struct {
		MAC string `yaml:"mac"`
	} `yaml:"sops"`
	Metadata struct {
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
}

// findSOPS looks for SOPS' metadata in YAML documents or JSON. Text that is
// neither has none; its reader will say so.
func findSOPS(data []byte) (sopsMeta, bool) {
	in := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var meta sopsMeta
		err := in.Decode(&meta)
		if strings.HasPrefix(meta.SOPS.MAC, "ENC[") {
			return meta, true
		}
		if _, isType := err.(*yaml.TypeError); err == io.EOF || err != nil && !isType {
			return sopsMeta{}, false
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

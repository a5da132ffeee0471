package render

import (
	"bytes"
	"encoding/json"
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
		switch {
		case !detect.IsEncrypted(data, format) || optOut.Match(data):
		case format == "binary" && !isEnvelope(data):
			return "json"
		default:
			return format
		}
	}
	return ""
}

// isEnvelope says whether encrypted JSON is what SOPS puts round a binary file:
// other JSON was encrypted as such, whatever its name, as ".dockerconfigjson" and
// "config.json.encrypted" are.
func isEnvelope(data []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return true // who decrypts it says what is wrong
	}
	return len(members) == 2 && bytes.HasPrefix(members["data"], []byte(`"`))
}

// errCutOff: a file has values that SOPS encrypted, and not what decrypts them.
var errCutOff = errors.New("it has values that SOPS encrypted, and no SOPS metadata with a code (sops.mac): was it cut off, or merged by hand?")

// Values as SOPS writes them, where a line of dotenv or INI has one.
var (
	encryptedValue = regexp.MustCompile(`^ENC\[AES256_GCM,data:[^,]*,iv:[^,]*,tag:[^,]*,type:[a-z]+\]$`)
	encryptedLine  = regexp.MustCompile(`(?m)^[A-Za-z_][A-Za-z0-9_.-]*[ \t]*=[ \t]*ENC\[AES256_GCM,data:`)
)

// cutOff says whether a file that sopsFormat takes for none of SOPS' has encrypted
// values all the same, which would be applied as they stand. Text that tells of
// such files or carries one has none.
func cutOff(name string, data []byte) bool {
	if !bytes.Contains(data, []byte("ENC[AES256_GCM,data:")) || optOut.Match(data) {
		return false
	}
	switch format := detect.Format(name); {
	case format == "dotenv", format == "ini", strings.Contains(name, ".env"):
		return encryptedLine.Match(data)
	case format == "binary":
		return false
	}
	in := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document any
		if in.Decode(&document) != nil {
			return false // the end; or its parser will say so
		}
		if holdsEncrypted(document) {
			return true
		}
	}
}

func holdsEncrypted(value any) bool {
	switch value := value.(type) {
	case string:
		return encryptedValue.MatchString(value)
	case map[any]any:
		if meta, ok := value["sops"].(map[any]any); ok && meta["mac"] != nil {
			return false // it is whole, and in a place where nothing is decrypted
		}
		for _, item := range value {
			if holdsEncrypted(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, holdsEncrypted)
	}
	return false
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

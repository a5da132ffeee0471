package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tidelock-io/tidelock/secrets/sealed"
	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// sealingKeysVariable names files with private keys, parted by commas, where no
// flag does: as kubeseal reads it.
const sealingKeysVariable = "SEALED_SECRETS_RECOVERY_PRIVATE_KEY"

// readSealingKeys reads private keys: PEM files, or Secrets as kubectl prints
// them, one, several or a list. Without files the environment may name some.
func readSealingKeys(files []string) (sealed.Keys, error) {
	from := "--sealed-secrets-key"
	if len(files) == 0 {
		from = "$" + sealingKeysVariable
		files = strings.FieldsFunc(os.Getenv(sealingKeysVariable), func(r rune) bool { return r == ',' })
	}
	var pairs []map[string][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return sealed.Keys{}, fmt.Errorf("%s: %w", from, err)
		}
		found, err := sealingKeysIn(text)
		if err != nil {
			return sealed.Keys{}, fmt.Errorf("%s %s: %w", from, file, err)
		}
		pairs = append(pairs, found...)
	}
	keys, err := sealed.ParseKeys(pairs...)
	if err != nil {
		return keys, fmt.Errorf("%s: %w", from, err)
	}
	return keys, nil
}

// errNoSealingKey does not quote what may be a key.
var errNoSealingKey = errors.New("neither PEM nor a Secret")

func sealingKeysIn(text []byte) (pairs []map[string][]byte, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		return []map[string][]byte{{corev1.TLSPrivateKeyKey: text, corev1.TLSCertKey: text}}, nil
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var secrets struct {
			corev1.Secret
			Items []corev1.Secret `json:"items"`
		}
		if err != nil || yaml.Unmarshal(document, &secrets) != nil {
			return nil, errNoSealingKey
		}
		for _, s := range append(secrets.Items, secrets.Secret) {
			if s.Data != nil {
				pairs = append(pairs, s.Data)
			}
		}
	}
	if len(pairs) == 0 {
		return nil, errNoSealingKey
	}
	return pairs, nil
}

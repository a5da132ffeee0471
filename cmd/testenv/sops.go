package testenv

import (
	"fmt"
	"path/filepath"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keyservice"
	"github.com/getsops/sops/v3/version"
)

// EncryptSOPS encrypts a file as `sops encrypt --filename-override path` does in
// the directory root: by the rule for path in root's .sops.yaml, in the format
// that the path's ending names.
func EncryptSOPS(root, path string, plain []byte) ([]byte, error) {
	rule, err := config.LoadCreationRuleForFile(filepath.Join(root, ".sops.yaml"), filepath.Join(root, path), nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt %s: %w", path, err)
	}
	if rule == nil {
		return nil, fmt.Errorf("encrypt %s: no rule in .sops.yaml is for it", path)
	}
	store := common.StoreForFormat(formats.FormatForPath(path), config.NewStoresConfig())
	branches, err := store.LoadPlainFile(plain)
	if err != nil {
		return nil, fmt.Errorf("encrypt %s: parse: %w", path, err)
	}
	tree := sops.Tree{Branches: branches, FilePath: path, Metadata: metadata(rule)}
	key, errs := tree.GenerateDataKeyWithKeyServices([]keyservice.KeyServiceClient{keyservice.NewLocalClient()})
	if len(errs) > 0 {
		return nil, fmt.Errorf("encrypt %s: data key: %v", path, errs)
	}
	if err := common.EncryptTree(common.EncryptTreeOpts{DataKey: key, Tree: &tree, Cipher: aes.NewCipher()}); err != nil {
		return nil, fmt.Errorf("encrypt %s: %w", path, err)
	}
	return store.EmitEncryptedFile(tree)
}

func metadata(rule *config.Config) sops.Metadata {
	return sops.Metadata{
		KeyGroups:         rule.KeyGroups,
		ShamirThreshold:   rule.ShamirThreshold,
		UnencryptedSuffix: rule.UnencryptedSuffix,
		EncryptedSuffix:   rule.EncryptedSuffix,
		UnencryptedRegex:  rule.UnencryptedRegex,
		EncryptedRegex:    rule.EncryptedRegex,
		MACOnlyEncrypted:  rule.MACOnlyEncrypted,
		Version:           version.Version,
	}
}

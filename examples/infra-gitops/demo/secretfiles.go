package main

import (
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// secretFiles are the keys and the plain texts of one run, all random. Plain
// text is in this process only; what it writes is encrypted.
type secretFiles struct {
	sops    testenv.SOPSKey
	sealing testenv.SealingKey

	database, smtp, webhook, payments testenv.Canary
}

func newSecretFiles() (*secretFiles, error) {
	f := &secretFiles{
		database: testenv.NewCanary("the database's password, from a SOPS file"),
		smtp:     testenv.NewCanary("the SMTP password, from a SOPS .env file"),
		webhook:  testenv.NewCanary("the webhook's token, from a SealedSecret"),
		payments: testenv.NewCanary("the payments API key, from an ExternalSecret"),
	}
	var err error
	if f.sops, err = testenv.NewSOPSKey(); err != nil {
		return nil, err
	}
	f.sealing, err = testenv.NewSealingKey()
	return f, err
}

func (f *secretFiles) databaseURL() string {
	return "postgres://api@db.example.com/api?password=" + f.database.Text
}

const (
	databaseYAML = `apiVersion: v1
kind: Secret
metadata:
  name: database
type: Opaque
stringData:
  password: %q
  url: %q
`
	smtpEnv = `SMTP_HOST=smtp.example.com
SMTP_USER=shop
SMTP_PASSWORD=%s
`
)

// write puts the encrypted files of the api's staging overlay into the work tree.
func (f *secretFiles) write(repo *testenv.Repository) error {
	const dir = stagingOverlay + "secrets/"
	sealed, err := f.sealing.Seal("strict", "api", "webhook", map[string][]byte{"token": []byte(f.webhook.Text)})
	if err != nil {
		return err
	}
	return errors.Join(
		writeSOPS(repo, dir+"database.sops.yaml", fmt.Sprintf(databaseYAML, f.database.Text, f.databaseURL())),
		writeSOPS(repo, dir+"smtp.sops.env", fmt.Sprintf(smtpEnv, f.smtp.Text)),
		repo.Write(dir+"webhook.sealed.yaml", sealed), // JSON is YAML
	)
}

func writeSOPS(repo *testenv.Repository, path, plain string) error {
	encrypted, err := testenv.EncryptSOPS(repo.WorkTree, path, []byte(plain))
	if err != nil {
		return err
	}
	return repo.Write(path, encrypted)
}

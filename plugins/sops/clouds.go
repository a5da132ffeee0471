package sops

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/getsops/sops/v3/gcpkms"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/kms"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// ambient says whether the plugin's surroundings log in.
func ambient(login sdk.Key) bool { return login.Settings[open.Ambient] != "" }

// askAWS has AWS KMS decrypt. The region is the key's. A role or a profile that the
// file names counts only where it is allowed, for they are other logins.
func askAWS(ctx context.Context, login sdk.Key, recipient keys.MasterKey) ([]byte, error) {
	key := *recipient.(*kms.MasterKey)
	if !awsKey.MatchString(key.Arn) {
		return nil, nof("the file's arn is none of a key of AWS KMS")
	}
	if err := permit(login, key.Arn); err != nil {
		return nil, err
	}
	if key.Role != "" && (!awsRole.MatchString(key.Role) || !allowed(allowances(login), key.Role)) {
		return nil, nof("the file wants the role %s, which its Secret does not allow: add it to the entry sops.aws-kms-keys", short(key.Role))
	}
	if !allowed(allowances(login), "profile/"+key.AwsProfile) {
		key.AwsProfile = ""
	}
	if !ambient(login) {
		provider, err := awsCredentials(login.Material)
		if err != nil {
			return nil, err
		}
		kms.NewCredentialsProvider(provider).ApplyToMasterKey(&key)
	}
	return key.DecryptContext(ctx)
}

// awsCredentials reads Flux's format.
func awsCredentials(material []byte) (credentials.StaticCredentialsProvider, error) {
	var c struct {
		ID      string `json:"aws_access_key_id"`
		Secret  string `json:"aws_secret_access_key"`
		Session string `json:"aws_session_token"`
	}
	if yaml.Unmarshal(material, &c) != nil || c.ID == "" || c.Secret == "" {
		return credentials.StaticCredentialsProvider{}, nof("not credentials of AWS: expected YAML with aws_access_key_id and aws_secret_access_key")
	}
	return credentials.NewStaticCredentialsProvider(c.ID, c.Secret, c.Session), nil
}

// askGCP has Google's KMS decrypt, by REST, which proxies know.
func askGCP(ctx context.Context, login sdk.Key, recipient keys.MasterKey) ([]byte, error) {
	key := *recipient.(*gcpkms.MasterKey)
	if !gcpKey.MatchString(key.ResourceID) {
		return nil, nof("the file's resource_id is none of a key of Google's KMS")
	}
	if err := permit(login, key.ResourceID); err != nil {
		return nil, err
	}
	gcpkms.UseRESTClient{}.ApplyToMasterKey(&key)
	if !ambient(login) {
		var c struct {
			Type string `json:"type"`
		}
		if yaml.Unmarshal(login.Material, &c) != nil || c.Type == "" {
			return nil, nof("not credentials of Google: expected the JSON of a service account's key")
		}
		gcpkms.CredentialJSON(login.Material).ApplyToMasterKey(&key)
	}
	return key.DecryptContext(ctx)
}

package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git/signature/signaturetest"
)

func (s *scene) gpgKey(args []string) error {
	key, err := signaturetest.New(args[0], signaturetest.Made, 0)
	if err != nil {
		return err
	}
	public, err := key.Public()
	if err != nil {
		return err
	}
	s.signers[args[0]] = key
	s.ts.Setenv(args[0]+"_ID", key.ID())
	s.ts.Setenv(args[0]+"_KEY", strings.Trim(strconv.Quote(public), `"`))
	return nil
}

func (s *scene) signAs(args []string) error {
	repo := s.repos[args[0]]
	if repo == nil {
		return fmt.Errorf("there is no repository %s", args[0])
	}
	config := map[string]string{}
	if args[1] != "nobody" {
		key := s.signers[args[1]]
		if key == nil {
			return fmt.Errorf("there is no key %s", args[1])
		}
		var err error
		if config, err = key.Config(s.dir); err != nil {
			return err
		}
	}
	config["commit.gpgSign"] = strconv.FormatBool(args[1] != "nobody")
	config["tag.gpgSign"] = config["commit.gpgSign"]
	return repo.Configure(s.ctx, config)
}

func (s *scene) tag(args []string) error {
	repo := s.repos[args[0]]
	if repo == nil {
		return fmt.Errorf("there is no repository %s", args[0])
	}
	if err := repo.Tag(s.ctx, args[1]); err != nil {
		return err
	}
	return repo.Announce(s.ctx, s.agent.Webhook())
}

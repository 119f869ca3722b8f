package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"refundsync/internal/config"
	"refundsync/internal/envfile"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
)

// kingdee asks for Kingdee's settings until they let us in.
func (s *setupRun) kingdee(ctx context.Context) error {
	return s.system(ctx, "KINGDEE_", func(ctx context.Context) (string, error) {
		settings, err := s.settings().LoadKingdee()
		if err != nil {
			return "", err
		}
		if s.ledger, err = syncworker.KingdeeClient(settings); err != nil {
			return "", err
		}
		form := s.flow.Form
		return text.Sprintf("login and query of %s（%s） work", form.Name, form.Chinese), s.ledger.Check(ctx, form.Name)
	})
}

// jushuitan asks for Jushuitan's settings until orders can be read.
func (s *setupRun) jushuitan(ctx context.Context) error {
	transport := s.flow.Source.Interface.Transport
	return s.system(ctx, "JUSHUITAN_", func(ctx context.Context) (string, error) {
		settings, err := s.settings().Load(transport)
		if err != nil {
			return "", err
		}
		if s.source, _, err = syncworker.Clients(settings, nil); err != nil {
			return "", err
		}
		return askSource(ctx, s.source, s.flow)
	}, transport)
}

// system asks for what is missing or wrong of a system's settings, tries them, and asks
// again until they work.
func (s *setupRun) system(ctx context.Context, prefix string, try func(context.Context) (string, error), transports ...string) error {
	for {
		if name, problem := s.settings().Next(prefix, transports...); problem != nil || name != "" && !s.ended {
			if problem != nil && s.env[name] != "" {
				say(s.out, "✗ "+text.Sprintf("%s: %s", name, problem.Wrong))
			}
			if _, err := s.settings().Asked(name); problem != nil && (err != nil || s.ended) {
				return problem // NAME_FILE, or nobody to ask
			}
			if err := s.setting(ctx, name, transports); err != nil {
				return err
			}
			continue
		}
		var found string
		err := within(ctx, func(ctx context.Context) (err error) {
			found, err = try(ctx)
			return err
		})
		if err == nil {
			say(s.out, "✓ "+found)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		say(s.out, "✗ "+err.Error())
		name, askErr := s.ask(ctx, text.Sprintf("Which setting is wrong? Its name"), text.Sprintf("(Enter tries again)"), false)
		switch {
		case askErr != nil:
			return askErr
		case s.ended:
			return err
		case name != "":
			if err := s.setting(ctx, strings.ToUpper(name), transports); err != nil {
				return err
			}
		}
	}
}

// setting asks for a setting once, and keeps it.
func (s *setupRun) setting(ctx context.Context, name string, transports []string) error {
	question, err := s.settings().Asked(name, transports...)
	if err != nil {
		say(s.out, "✗ "+err.Error())
		return nil
	}
	words := text.Join("; ", question.Description, question.Hint)
	if name == s.settings().SetName("JUSHUITAN_OPEN_APP_KEY") && question.Optional {
		words = text.New("%s. Without it, a shop or warehouse that has no recent order is not in the tables", words)
	}
	asked := text.New("%s: %s", name, words)
	if question.Value == "" && !question.Secret {
		asked = text.New("%s: %s (such as %s)", name, words, question.Example)
	}
	answer, err := s.ask(ctx, asked.String(), promptFor(question), question.Secret)
	if err != nil {
		return err
	}
	if answer == "" {
		if s.ended || question.Secret && question.Set || question.Value == "" && !question.Optional {
			return nil
		}
		answer = question.Value
	}
	if _, err := envfile.Line(name, answer); err != nil {
		say(s.out, "✗ "+err.Error())
		return nil
	}
	s.env[name] = answer
	if taken, err := s.settings().Asked(name, transports...); err == nil && strings.HasSuffix(name, "_URL") && taken.Set {
		s.reach(ctx, answer)
	}
	return s.save()
}

// promptFor says what Enter does at the prompt of a setting, and whether typing shows.
func promptFor(question config.Question) string {
	switch {
	case question.Secret && question.Set:
		return text.Sprintf("(hidden, Enter keeps it)")
	case question.Secret && question.Optional:
		return text.Sprintf("(hidden, optional, Enter leaves it out)")
	case question.Secret:
		return text.Sprintf("(hidden)")
	case question.Value != "":
		return "[" + question.Value + "]"
	case question.Optional:
		return text.Sprintf("(optional, Enter leaves it out)")
	}
	return ""
}

// reach says if nothing answers at an address. Any answer will do, and a certificate of a CA
// of one's own is a matter of another setting.
func (s *setupRun) reach(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err == nil {
		var response *http.Response
		if response, err = http.DefaultTransport.RoundTrip(request); err == nil {
			err = response.Body.Close()
		}
	}
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		say(s.out, "! "+text.Sprintf("Nothing answers there yet: %v", err))
	}
}

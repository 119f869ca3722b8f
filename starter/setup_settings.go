package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/envfile"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
)

// kingdee asks for Kingdee's settings until they let us in.
func (s *setupRun) kingdee(ctx context.Context) error {
	return s.system(ctx, "KINGDEE_", []string{"KINGDEE_AUTH"}, func(ctx context.Context) (string, error) {
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
	var optional []string
	if transport != catalog.Open {
		optional = []string{"JUSHUITAN_OPEN_APP_KEY"}
	}
	return s.system(ctx, "JUSHUITAN_", optional, func(ctx context.Context) (string, error) {
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
// again until they work. optional settings are asked for if anything is missing.
func (s *setupRun) system(ctx context.Context, prefix string, optional []string, try func(context.Context) (string, error), transports ...string) error {
	if len(s.settings().Wrong(prefix, transports...)) > 0 {
		for _, name := range optional {
			if name = s.settings().SetName(name); s.env[name] == "" {
				if err := s.setting(ctx, name); err != nil {
					return err
				}
			}
		}
	}
	for {
		if wrong := s.settings().Wrong(prefix, transports...); len(wrong) > 0 {
			problem := wrong[0]
			if s.env[problem.Name] != "" {
				say(s.out, "✗ "+problem.Error())
			}
			if _, err := s.settings().Asked(problem.Name); err != nil || s.ended {
				return problem // NAME_FILE, or nobody to ask
			}
			if err := s.setting(ctx, problem.Name); err != nil {
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
		say(s.out, "✗ "+err.Error())
		name, askErr := s.ask(ctx, text.Sprintf("Which setting is to be given anew? Its name, or Enter to try once more."), false)
		switch {
		case askErr != nil:
			return askErr
		case s.ended:
			return err
		case name == "":
		default:
			name = strings.ToUpper(name)
			if err := s.setting(ctx, name); err != nil {
				return err
			}
		}
	}
}

// setting asks for a setting once, and keeps it.
func (s *setupRun) setting(ctx context.Context, name string) error {
	question, err := s.settings().Asked(name)
	if err != nil {
		say(s.out, err.Error())
		return nil
	}
	words := text.Join("; ", question.Description, question.Hint)
	asked := text.New("%s: %s (such as %s)", name, words, question.Example)
	if question.Default != "" {
		asked = text.New("%s: %s (Enter for %s)", name, words, question.Default)
	}
	answer, err := s.ask(ctx, asked.String(), question.Secret)
	if err != nil || answer == "" {
		return err
	}
	if _, err := envfile.Line(name, answer); err != nil {
		say(s.out, "✗ "+err.Error())
		return nil
	}
	s.env[name] = answer
	if strings.HasSuffix(name, "_URL") && len(s.settings().Wrong(name)) == 0 {
		s.reach(ctx, answer)
	}
	return s.save()
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
	if err != nil {
		say(s.out, "! "+text.Sprintf("Nothing answers there yet: %v", err))
	}
}

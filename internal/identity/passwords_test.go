package identity_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"

	"barong/internal/identity"
)

const (
	unmet   = "Password does not meet the minimum requirements"
	tooLong = "Password is too long (maximum is 72 bytes)"
	tooWeak = "Password is too weak"
)

func TestPasswordHasItsLengthAndAllClasses(t *testing.T) {
	t.Parallel()
	const strong = "xK9mQ2vL"
	for given, want := range map[string][]string{
		"":                                 {unmet},
		"Aa1":                              {unmet},
		"xK9mQ2v":                          {unmet},
		"tecohvi0":                         {unmet},
		"TECOHVI0":                         {unmet},
		"Tecohvio":                         {unmet},
		"12345678":                         {unmet},
		"Tec\x00hvi0":                      {unmet},
		"Tec\xffhvi0":                      {unmet},
		strong:                             nil,
		strong + strings.Repeat("z", 64):   nil, // 72 bytes
		strong + strings.Repeat("z", 65):   {tooLong},
		strings.Repeat("z", 73):            {unmet, tooLong},
		strings.Repeat("Z9я", 18):          {tooWeak}, // 72 bytes, 54 characters
		strings.Repeat("Z9я", 19):          {tooLong},
		"Aa1" + strings.Repeat("x", 1<<20): {tooLong},
		"ПаРоЛь٣٤":                         nil,     // Arabic digits
		"Tecohvi²":                         {unmet}, // a superscript is not a digit
		"Password1":                        {tooWeak},
	} {
		violations := identity.CheckPassword(given)
		wantMessages(t, violations, want...)
		if t.Failed() {
			t.Fatalf("%.80q", given)
		}
	}
}

func TestGuessablePasswordsAreWeak(t *testing.T) {
	t.Parallel()
	for _, given := range strings.Fields(`
		Password1 Passw0rd P@ssw0rd! Qwerty123 Abcd1234 Hello123 Letmein1 Summer2019 Aa123456 1qaz@WSX Iloveyou1
		Admin1234! Welcome123 Testing123 Ab1!Ab1! Password123456 Baseball1 Test12345

		Monkey123 Dragon2020! Qwertyuiop1 Barong2024 Football99 P4ssword!! Abcabc123 1q2w3e4R Zaq12wsx
		Passw0rd123! Password2024!! Summer2024! Spring2026! January2023 Company2023! Changeme1 MyPassword1 Trustno1!
		Michael1987 Jessica2001 John1990 Liverpool1 Manchester1! Elephant7! Umbrella42 Asdf1234! Qazwsx123! !QAZ2wsx
		A1b2c3d4 Aaaaaaa1 Aa1Aa1Aa1 12345678Aa 11111111aA Pa55word Pa$$w0rd L3tm31n! Drowssap1 Passwort1! Azerty123
		Motdepasse1 Parola123 Bitcoin123 Bitcoin2021! Ethereum1 Crypto2022 Exchange1! Peatio2020 Opendax123!`) {
		if violations := identity.CheckPassword(given); len(violations) != 1 || violations[0].Message != tooWeak {
			t.Errorf("%s: %q", given, messages(violations))
		}
	}
	for _, given := range []string{
		strings.Repeat("Ab1!", 18), strings.Repeat("Password1", 8), "Aa1" + strings.Repeat("x", 69), "Password1" + strings.Repeat("!", 63),
	} {
		if violations := identity.CheckPassword(given); len(violations) != 1 || violations[0].Message != tooWeak {
			t.Errorf("%s: %q", given, messages(violations))
		}
	}
}

func TestPasswordsThatNobodyGuessesAreTaken(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"Tecohvi0", "Fai5aesoLEcx", "xK9mQ2vL", "aB3$efGh", "correctHorse9batteryStaple", "Пароль1ab",
		"correct horse 9 Battery staple, and seventy-two bytes of it and no more", "😀😁😂😃😄😅Aa1",
		strings.Repeat("z", 60) + "xK9mQ2vLtR4w", // strong at the end only
	} {
		wantMessages(t, identity.CheckPassword(given))
		if t.Failed() {
			t.Fatal(given)
		}
	}
}

func TestRandomPasswordsOfEightCharactersAreStrong(t *testing.T) {
	t.Parallel()
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, alphabet := range []string{letters + "0123456789", letters + "0123456789!#$%&*+-./:;<=>?@^_~()"} {
		random := rand.New(rand.NewPCG(1, 2))
		const wanted = 2000
		weak := 0
		for made := 0; made < wanted; {
			password := make([]byte, 8)
			for i := range password {
				password[i] = alphabet[random.IntN(len(alphabet))]
			}
			s := string(password)
			if !strings.ContainsFunc(s, unicode.IsLower) || !strings.ContainsFunc(s, unicode.IsUpper) || !strings.ContainsFunc(s, unicode.IsDigit) {
				continue
			}
			made++
			if violations := identity.CheckPassword(s); violations != nil {
				weak++
			}
		}
		t.Logf("%d of %d are called weak", weak, wanted)
		if weak*100 > wanted {
			t.Errorf("%d of %d random passwords are called weak, more than 1 %%", weak, wanted)
		}
	}
}

// costly are passwords with the longest estimation times, found by search: l33t spellings,
// repetitions, and a strong piece at the end.
var costly = map[string]string{
	"one letter":  "A1" + strings.Repeat("a", 70),
	"digits":      "Aa" + strings.Repeat("12", 35),
	"l33t":        strings.Repeat("4@8({[<36911!|10$5+7%2", 4)[:70] + "aA",
	"l33t last":   "Aa1" + strings.Repeat("x", 45) + "4@8({|e369<7!|10$@+7%<5@",
	"repetition":  strings.Repeat("Ab1!", 18),
	"l33t in two": strings.Repeat("4@8({[<36aA1", 6),
}

func TestNoPasswordBurnsTheProcessor(t *testing.T) {
	for name, password := range costly {
		if took := cpuTime(t, time.Second, func() { identity.CheckPassword(password) }); took > time.Second { // 36 s without the limits
			t.Errorf("%s took %v", name, took)
		}
	}
}

func BenchmarkCheckPassword(b *testing.B) {
	for name, password := range costly {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				identity.CheckPassword(password)
			}
		})
	}
}

func FuzzCheckPassword(f *testing.F) {
	for _, password := range costly {
		f.Add(password)
	}
	f.Add("001\ufffd\ufffd000Aa")
	f.Add("ПарольПароль1ab")
	f.Fuzz(func(t *testing.T, s string) {
		if len(identity.CheckPassword("Aa1"+s)) == 0 && len(s) > 69 {
			t.Fatal("more than 72 bytes were taken")
		}
	})
}

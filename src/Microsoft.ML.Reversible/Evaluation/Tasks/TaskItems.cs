using System.Text;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>How lm-evaluation-harness makes the rows of its tasks contexts and continuations.</summary>
internal static class TaskItems
{
    private static readonly string[] _letters = ["A", "B", "C", "D"];

    public static ZeroShotItem Piqa(ZeroShotRow row) => ZeroShotItem.MultipleChoice(
        $"Question: {row.Text("goal")}\nAnswer:", [row.Text("sol1"), row.Text("sol2")], row.Integer("label"));

    public static ZeroShotItem Arc(ZeroShotRow row) => ZeroShotItem.MultipleChoice(
        $"Question: {row.Text("question")}\nAnswer:", row.Texts("choices"), KeyIndex(row, row.Text("answerKey")));

    public static ZeroShotItem OpenBookQa(ZeroShotRow row) => ZeroShotItem.MultipleChoice(
        row.Text("question_stem"), row.Texts("choices"), KeyIndex(row, PythonText.StripStart(row.Text("answerKey"))));

    public static ZeroShotItem Winogrande(ZeroShotRow row)
    {
        string sentence = row.Text("sentence"), answer = row.Text("answer");
        int blank = sentence.IndexOf('_');
        if (blank < 0) throw new InvalidDataException($"The sentence of row {row.Number} has no blank, which is written '_'.");
        int gold = answer switch
        {
            "1" => 0,
            "2" => 1,
            _ => throw new InvalidDataException($"The answer of row {row.Number} is '{answer}', but must be 1 or 2."),
        };
        string before = sentence[..blank];
        return ZeroShotItem.MultipleInput(
            [before + row.Text("option1"), before + row.Text("option2")], PythonText.Strip(sentence[(blank + 1)..]), gold);
    }

    public static ZeroShotItem HellaSwag(ZeroShotRow row)
    {
        string scene = $"{row.Text("activity_label")}: {row.Text("ctx_a")} {PythonText.Capitalize(row.Text("ctx_b"))}";
        return ZeroShotItem.MultipleChoice(WithoutMarkup(scene), row.Texts("endings").Select(WithoutMarkup), row.Integer("label"));
    }

    public static ZeroShotItem Mmlu(ZeroShotRow row)
    {
        IReadOnlyList<string> choices = row.Texts("choices");
        if (choices.Count != _letters.Length)
            throw new InvalidDataException($"Row {row.Number} has {choices.Count} choices, but must have {_letters.Length}.");
        string shown = string.Concat(_letters.Zip(choices, (letter, choice) => $"\n{letter}. {choice}"));
        return ZeroShotItem.MultipleChoice(
            $"{PythonText.Strip(row.Text("question"))}{shown}\nAnswer:", _letters, row.Integer("answer"));
    }

    public static ZeroShotItem MmluContinuation(ZeroShotRow row) => ZeroShotItem.MultipleChoice(
        $"Question: {PythonText.Strip(row.Text("question"))}\nAnswer:", row.Texts("choices"), row.Integer("answer"));

    public static ZeroShotItem Lambada(ZeroShotRow row)
    {
        string text = row.Text("text");
        int space = text.LastIndexOf(' ');
        return ZeroShotItem.LastWord(text[..Math.Max(0, space)], text[(space + 1)..]);
    }

    public static ZeroShotItem Wikitext(ZeroShotRow row)
    {
        string page = row.Text("page");
        return ZeroShotItem.WholeText(WikitextSpacing.Restore(page), countedText: page);
    }

    private static int KeyIndex(ZeroShotRow row, string key)
    {
        IReadOnlyList<string> labels = row.Texts("labels");
        for (int i = 0; i < labels.Count; i++)
            if (labels[i] == key) return i;
        throw new InvalidDataException(
            $"The answerKey of row {row.Number} is '{key}', which is none of its labels: {string.Join(", ", labels)}.");
    }

    /// <summary>Takes out what WikiHow's markup has left: titles become sentences, other brackets go.</summary>
    private static string WithoutMarkup(string text)
    {
        string titled = PythonText.Strip(text).Replace(" [title]", ". ", StringComparison.Ordinal);
        return WithoutBrackets(titled).Replace("  ", " ", StringComparison.Ordinal);
    }

    /// <summary>Drops each bracket up to the next closing one of its line.</summary>
    private static string WithoutBrackets(string text)
    {
        var kept = new StringBuilder(text.Length);
        int done = 0;
        while (text.IndexOf('[', done) is var open and >= 0 && text.AsSpan(open).IndexOfAny(']', '\n') is var length and >= 0)
        {
            bool isClosed = text[open + length] == ']';
            kept.Append(text, done, (isClosed ? open : open + length) - done);
            done = open + length + (isClosed ? 1 : 0);
        }
        return kept.Append(text, done, text.Length - done).ToString();
    }
}

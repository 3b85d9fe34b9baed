using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>
/// Recognizes a chat template without rendering it: by the marks that it writes, and by constructs known to change ordinary conversations.
/// </summary>
/// <param name="Format">The format.</param>
/// <param name="Family">What a template with these marks is called in messages.</param>
/// <param name="Marks">The texts that identify the template's family.</param>
/// <param name="Needed">What the template must contain to write what the format does, each an expression with a reason.</param>
/// <param name="Others">What it must not contain, each an expression with a reason.</param>
internal sealed record ChatTemplateMarks(
    ChatFormat Format, string Family, string[] Marks, (string Expression, string Reason)[] Needed,
    (string Expression, string Reason)[] Others)
{
    /// <summary>What to do about a format that is not found.</summary>
    public const string WhatToDo = "Give the ChatFormat that the model was trained with, or make one with ChatFormat.Custom.";

    /// <summary>The most characters of a template. A damaged folder may hold any number.</summary>
    private const int MostCharacters = 1 << 20;

    private const string Newline = @"(\\n|\n|['""]\s*[+~]\s*['""]\\n)";
    private const string NoLine = "it writes no line break after a mark";
    private const string Stripping = @"\|\s*trim|\.l?r?strip\(";
    private const string Strips = "it removes white space around texts", Keeps = "it keeps white space around texts";
    private const string BosToken = "bos_token", NoBegin = "it begins without bos_token", Begins = "it begins with bos_token";

    private static readonly (string Expression, string Reason)[] _changes =
    [
        (@"think|reasoning", "it treats the model's reasoning in a way of its own"),
        (@"strftime_now|date_string|Knowledge Date", "it writes dates into the system turn"),
        (@"default_system|set\s+\w*system\w*\s*=\s*['""][^'""]", "it has a default system text in a variable; see WithDefaultSystem"),
    ];

    private static readonly ChatTemplateMarks[] _known =
    [
        new(ChatFormat.ChatMl, "ChatML", ["<|im_start|>", "<|im_end|>"],
            [(@"<\|im_end\|>" + Newline, NoLine), (@"<\|im_start\|>assistant" + Newline, NoLine)],
            [(Stripping, Strips), (BosToken, Begins), ("eos_token", "it writes eos_token")]),
        new(ChatFormat.Llama3, "Llama 3", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
            [(Stripping, Keeps), (BosToken, NoBegin), (@"<\|end_header_id\|>(\\n\\n|\n\n)", NoLine)], []),
        new(ChatFormat.Gemma, "Gemma", ["<start_of_turn>", "<end_of_turn>"],
            [(Stripping, Keeps), (BosToken, NoBegin), (@"<end_of_turn>" + Newline, NoLine)],
            [(@"\[1:\]", "it writes a system turn into the first user turn, as Gemma 3's does")]),
        new(ChatFormat.Llama2, "Llama 2", ["[INST]", "[/INST]", "<<SYS>>"],
            [(Stripping, Keeps), (BosToken, NoBegin), (@"['""]\[INST\] ", "it writes no space after [INST]"),
                (@" \[/INST\]", "it writes no space before [/INST]"),
                ("raise_exception", "it does not refuse turns that do not alternate")],
            []),
        new(ChatFormat.Mistral, "Mistral", ["[INST]", "[/INST]"],
            [(Stripping, Keeps), (BosToken, NoBegin), (@"['""]\[INST\] ", "it is of another version of Mistral's tokenizer than the third"),
                (@"['""]\[/INST\]", "it is of another version of Mistral's tokenizer than the third"),
                (@"loop\.last", "it writes the system text into another turn than the last")],
            []),
        new(ChatFormat.Phi3, "Phi-3", ["<|user|>", "<|assistant|>", "<|end|>"],
            [(@"<\|user\|>" + Newline, NoLine), (@"<\|end\|>" + Newline, NoLine), ("eos_token", "it ends without eos_token")],
            [(Stripping, Strips), (BosToken, Begins)]),
        new(ChatFormat.Zephyr, "Zephyr", ["<|user|>", "<|assistant|>", "eos_token"],
            [(@"<\|user\|>" + Newline, NoLine)],
            [(Stripping, Strips), (BosToken, Begins)]),
    ];

    /// <summary>Returns the format that writes what a template renders.</summary>
    /// <exception cref="NotSupportedException">It is none of the known ones; the message says what to do.</exception>
    public static ChatFormat FormatOf(string template)
    {
        if (template.Length > MostCharacters)
            throw new NotSupportedException(
                $"The tokenizer's chat template has {template.Length} characters, more than the {MostCharacters} that are read. " +
                WhatToDo);
        ChatTemplateMarks known = _known.FirstOrDefault(marks => marks.Marks.All(template.Contains))
            ?? throw new NotSupportedException(
                "The tokenizer's chat template has the marks of none of the known formats " +
                $"({string.Join(", ", ChatFormat.All.Select(format => format.Name))}). " + WhatToDo);
        string? reason = known.Needed.Where(needed => !Has(template, needed.Expression))
            .Concat(known.Others.Concat(_changes).Where(other => Has(template, other.Expression)))
            .Select(found => found.Reason).FirstOrDefault();
        if (reason is not null)
            throw new NotSupportedException(
                $"The tokenizer's chat template has the marks of {known.Family}, but does not write what the format {known.Format.Name} " +
                $"does: {reason}. " + WhatToDo);
        string? system = known.Format == ChatFormat.ChatMl ? DefaultSystemOf(template) : null;
        return system is null ? known.Format : known.Format.WithDefaultSystem(system);
    }

    /// <summary>Returns the system text that a ChatML template writes before a conversation without one; null if there is none.</summary>
    private static string? DefaultSystemOf(string template)
    {
        // A text ends at the next mark, whichever it is, so that the time is proportional to the template's length.
        const string Turn = @"<\|im_start\|>system(?:\\n|\n)((?:(?!<\|im_(?:end|start)\|>)[^'""{}])+)<\|im_end\|>";
        string[] texts = [.. Regex.Matches(template, Turn).Select(match => match.Groups[1].Value).Distinct()];
        // Other places begin the turn of the conversation itself: the literal ends after the line break.
        int others = Regex.Count(template, @"<\|im_start\|>system(?:(?:\\n)?['""]|\n?\{)");
        int all = Regex.Count(template, @"<\|im_start\|>system");
        int own = all - others;
        if (own == 0) return null;
        if (texts.Length == 1 && own == Regex.Count(template, Regex.Escape(texts[0]) + @"<\|im_end\|>") && !texts[0].Contains('\\'))
            return texts[0];
        throw new NotSupportedException(
            "The tokenizer's chat template has the marks of ChatML and a default system text that cannot be read from it. Give " +
            "ChatFormat.ChatMl.WithDefaultSystem with that text.");
    }

    /// <summary>Returns whether a template has a match of an expression, in time proportional to the template's length.</summary>
    private static bool Has(string template, string expression) =>
        Regex.IsMatch(template, expression, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
}

using System.Globalization;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible;

/// <summary>The data and the model of an alignment with preferences, as known before its first step.</summary>
/// <param name="ChatFormat">The name of the chat format, given or detected.</param>
/// <param name="PairCount">Number of pairs of answers that are trained on.</param>
/// <param name="ValidationPairCount">Number of pairs that are held out.</param>
/// <param name="TokenCount">Number of tokens of both answers with their prompts, after the truncation.</param>
/// <param name="AnswerTokenCount">Number of these tokens that are of answers, with those that end them.</param>
/// <param name="TruncatedCount">Number of pairs that were truncated to the context length.</param>
/// <param name="DroppedCount">Number of pairs that were left out, as their answers are the same after the truncation.</param>
/// <param name="TrainableParameterCount">Number of parameters that are trained.</param>
/// <param name="ParameterCount">Number of parameters of the model, and of its adapter if one is trained.</param>
public sealed record PreferenceReport(
    string ChatFormat, int PairCount, int ValidationPairCount, long TokenCount, long AnswerTokenCount, int TruncatedCount,
    int DroppedCount, long TrainableParameterCount, long ParameterCount)
{
    /// <summary>Returns the report as a line of JSON with names in snake case.</summary>
    public string ToJson() => new JsonObject
    {
        ["chat_format"] = ChatFormat,
        ["pairs"] = PairCount,
        ["validation_pairs"] = ValidationPairCount,
        ["tokens"] = TokenCount,
        ["answer_tokens"] = AnswerTokenCount,
        ["truncated"] = TruncatedCount,
        ["dropped"] = DroppedCount,
        ["trainable_parameters"] = TrainableParameterCount,
        ["parameters"] = ParameterCount,
    }.ToJsonString();

    /// <summary>Returns the report as text of a few lines.</summary>
    public override string ToString()
    {
        var lines = new List<string>
        {
            Line($"{PairCount:N0} pairs of answers in the format {ChatFormat}, {ValidationPairCount:N0} more held out"),
            Line($"{TokenCount:N0} tokens, {AnswerTokenCount:N0} of them of answers"),
            Line($"{TrainableParameterCount:N0} of {ParameterCount:N0} parameters are trained"),
        };
        if (TruncatedCount > 0) lines.Add(Line($"{TruncatedCount:N0} pairs are longer than the context and were truncated"));
        if (DroppedCount > 0) lines.Add(Line($"{DroppedCount:N0} pairs were left out: their two answers are the same"));
        return string.Join('\n', lines);
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

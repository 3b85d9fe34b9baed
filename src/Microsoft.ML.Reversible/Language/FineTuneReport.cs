using System.Globalization;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible;

/// <summary>The data and the model of a fine-tuning, as known before its first step.</summary>
/// <param name="ChatFormat">The name of the chat format, given or detected.</param>
/// <param name="ConversationCount">Number of conversations that are trained on.</param>
/// <param name="ValidationConversationCount">Number of conversations that are held out.</param>
/// <param name="TokenCount">Number of tokens of both, after the truncation.</param>
/// <param name="LearnedTokenCount">Number of these tokens that the loss is the mean over: the assistant's text and ends of turns.</param>
/// <param name="TruncatedCount">Number of conversations that were truncated to the context length.</param>
/// <param name="DroppedCount">Number of conversations that were left out, as no learned token was within the context length.</param>
/// <param name="WindowCount">Number of windows in a pass over the training data.</param>
/// <param name="AddedTokenCount">
/// Number of tokens that were added to the vocabulary; 0 if a run is resumed whose checkpoint has a tokenizer with them, which is so unless
/// an adapter is trained.
/// </param>
/// <param name="TrainableParameterCount">Number of parameters that are trained.</param>
/// <param name="ParameterCount">Number of parameters of the model, and of its adapter if one is trained.</param>
public sealed record FineTuneReport(
    string ChatFormat, int ConversationCount, int ValidationConversationCount, long TokenCount, long LearnedTokenCount, int TruncatedCount,
    int DroppedCount, long WindowCount, int AddedTokenCount, long TrainableParameterCount, long ParameterCount)
{
    /// <summary>Returns the report as a line of JSON with names in snake case.</summary>
    public string ToJson() => new JsonObject
    {
        ["chat_format"] = ChatFormat,
        ["conversations"] = ConversationCount,
        ["validation_conversations"] = ValidationConversationCount,
        ["tokens"] = TokenCount,
        ["learned_tokens"] = LearnedTokenCount,
        ["truncated"] = TruncatedCount,
        ["dropped"] = DroppedCount,
        ["windows"] = WindowCount,
        ["added_tokens"] = AddedTokenCount,
        ["trainable_parameters"] = TrainableParameterCount,
        ["parameters"] = ParameterCount,
    }.ToJsonString();

    /// <summary>Returns the report as text of a few lines.</summary>
    public override string ToString()
    {
        var lines = new List<string>
        {
            string.Create(
                CultureInfo.InvariantCulture,
                $"{ConversationCount:N0} conversations in the format {ChatFormat}, {ValidationConversationCount:N0} more held out"),
            string.Create(
                CultureInfo.InvariantCulture,
                $"{TokenCount:N0} tokens, {LearnedTokenCount:N0} of them learned, in {WindowCount:N0} training windows"),
            string.Create(
                CultureInfo.InvariantCulture,
                $"{TrainableParameterCount:N0} of {ParameterCount:N0} parameters are trained"),
        };
        if (TruncatedCount > 0)
            lines.Add(string.Create(
                CultureInfo.InvariantCulture, $"{TruncatedCount:N0} conversations are longer than the context and were truncated"));
        if (DroppedCount > 0)
            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{DroppedCount:N0} conversations were left out: the context ends before the assistant's text"));
        if (AddedTokenCount > 0)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{AddedTokenCount:N0} tokens were added to the vocabulary"));
        return string.Join('\n', lines);
    }
}

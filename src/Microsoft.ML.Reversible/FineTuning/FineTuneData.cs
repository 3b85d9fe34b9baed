using System.Text;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>The tokens of the conversations that a fine-tuning trains on, and of those that are held out.</summary>
internal sealed class FineTuneData : IDisposable
{
    private readonly ConversationTokens _tokens;
    private readonly int _heldOutFrom;

    private FineTuneData(ConversationTokens tokens, int heldOutFrom) => (_tokens, _heldOutFrom) = (tokens, heldOutFrom);

    /// <summary>Reads and encodes the conversations.</summary>
    /// <param name="input">The data to train on.</param>
    /// <param name="validation">The data that is held out; null to hold out the last fraction of <paramref name="input"/>.</param>
    /// <param name="options">The options, already checked.</param>
    /// <param name="start">The model with its format.</param>
    /// <exception cref="InvalidDataException">A row is not a conversation of the format; the message names it.</exception>
    /// <exception cref="InvalidOperationException">A part has no conversation to learn from.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static FineTuneData Read(IDataView input, IDataView? validation, FineTuneEstimator.Options options, FineTuneStart start)
    {
        var tokens = new ConversationTokens(options.ContextLength + 1);
        try
        {
            var encoder = new ChatEncoder(start.Model.Tokenizer, start.Format);
            Append(tokens, input, "", options, encoder);
            int training = tokens.Count;
            if (validation is not null)
            {
                Append(tokens, validation, " of the validation data", options, encoder);
                if (tokens.Count == training) throw Nothing("validation data", options);
            }
            if (training == 0) throw Nothing("data", options);
            return new(tokens, validation is not null ? training : FirstHeldOut(tokens, options.ValidationFraction));
        }
        catch
        {
            tokens.Dispose();
            throw;
        }
    }

    /// <summary>Cuts the conversations into windows.</summary>
    public ConversationWindows Windows(FineTuneEstimator.Options options, FineTuneStart start, int seed) => new(
        _tokens, _heldOutFrom, options.ContextLength, start.Model.Tokenizer.Hash, options.Packing, options.AttendAcrossConversations, seed);

    /// <summary>Describes the data and the model before the first step.</summary>
    public FineTuneReport Report(FineTuneStart start, ITokenSource windows, long trainable, long parameters) => new(
        start.Format.Name, _heldOutFrom, _tokens.Count - _heldOutFrom, _tokens.TokenCount, _tokens.LearnedCount, _tokens.Truncated,
        _tokens.Dropped, windows.WindowsPerEpoch, start.AddedTokenCount, trainable, parameters);

    /// <inheritdoc/>
    public void Dispose() => _tokens.Dispose();

    private static void Append(
        ConversationTokens tokens, IDataView data, string where, FineTuneEstimator.Options options, ChatEncoder encoder) =>
        EncodedRows.Read(
            options.Columns.Read(data), encoder.Encode,
            encoded =>
            {
                tokens.Add(encoded.Ids, encoded.IsLearned);
                return tokens.TokenCount;
            },
            turns => turns.Sum(turn => (long)Encoding.UTF8.GetByteCount(turn.Content)), where, options);

    /// <summary>Returns the first of the last conversations that have the fraction of all tokens; never the first one.</summary>
    private static int FirstHeldOut(ConversationTokens tokens, double fraction)
    {
        if (fraction == 0) return tokens.Count;
        if (tokens.Count == 1)
            throw new InvalidOperationException(
                "The data has one conversation, which cannot be both trained on and held out. " +
                "Give more conversations, or set ValidationFraction to 0.");
        double left = tokens.TokenCount * fraction;
        int first = tokens.Count;
        do left -= tokens.InputsOf(--first) + 1;
        while (left > 0 && first > 1);
        return first;
    }

    private static InvalidOperationException Nothing(string data, FineTuneEstimator.Options options) => new(
        $"The {data} has no conversation to learn from: it has no rows, or the assistant's text begins after ContextLength, which is " +
        $"{options.ContextLength} tokens, in all of them.");
}

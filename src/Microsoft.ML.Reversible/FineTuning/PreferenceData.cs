using System.Text;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Reads and encodes pairs of answers.</summary>
internal static class PreferenceData
{
    /// <summary>Reads and encodes all pairs.</summary>
    /// <param name="input">The data to train on.</param>
    /// <param name="validation">The data that is held out; null to hold out the last fraction of <paramref name="input"/>.</param>
    /// <param name="options">The options, already checked.</param>
    /// <param name="start">The model with its format.</param>
    /// <param name="seed">Seeds the order of the pairs.</param>
    /// <returns>The pairs; the caller disposes of them.</returns>
    /// <exception cref="InvalidDataException">A row is not a conversation of the format; the message names it.</exception>
    /// <exception cref="InvalidOperationException">A part has no pair to learn from.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static PreferencePairs Read(
        IDataView input, IDataView? validation, PreferenceEstimator.Options options, FineTuneStart start, int seed)
    {
        var pairs = new PreferencePairs(options.ContextLength, start.Model.Tokenizer.Hash, seed);
        try
        {
            var encoder = new ChatEncoder(start.Model.Tokenizer, start.Format);
            Append(pairs, input, "", options, encoder);
            int training = pairs.Count;
            if (training == 0) throw Nothing("data");
            if (validation is null) training = FirstHeldOut(training, options.ValidationFraction);
            else Append(pairs, validation, " of the validation data", options, encoder);
            if (validation is not null && pairs.Count == training) throw Nothing("validation data");
            pairs.HoldOutFrom(training);
            return pairs;
        }
        catch
        {
            pairs.Dispose();
            throw;
        }
    }

    private static void Append(
        PreferencePairs pairs, IDataView data, string where, PreferenceEstimator.Options options, ChatEncoder encoder) =>
        EncodedRows.Read(
            options.Preferences.Read(data),
            row => (Chosen: AnswerTokens.Of(encoder, row.Prompt, row.Chosen), Rejected: AnswerTokens.Of(encoder, row.Prompt, row.Rejected)),
            encoded =>
            {
                pairs.Add(encoded.Chosen, encoded.Rejected);
                return pairs.TokenCount;
            },
            row => (long)Encoding.UTF8.GetByteCount(row.Chosen) + Encoding.UTF8.GetByteCount(row.Rejected)
                + row.Prompt.Sum(turn => (long)Encoding.UTF8.GetByteCount(turn.Content)),
            where, options);

    /// <summary>Returns the first of the last pairs that are the fraction of all; never the first one.</summary>
    private static int FirstHeldOut(int count, double fraction)
    {
        if (fraction == 0) return count;
        return count > 1
            ? Math.Clamp((int)Math.Floor(count * (1 - fraction)), 1, count - 1)
            : throw new InvalidOperationException(
                "The data has one pair of answers, which cannot be both trained on and held out. " +
                "Give more pairs, or set ValidationFraction to 0.");
    }

    private static InvalidOperationException Nothing(string data) => new(
        $"The {data} has no pair of answers to learn from: it has no rows, or the two answers are the same in all of them.");
}

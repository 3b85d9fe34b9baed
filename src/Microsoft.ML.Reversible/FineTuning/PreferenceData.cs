using System.Runtime.ExceptionServices;
using System.Text;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Reads and encodes pairs of answers.</summary>
internal static class PreferenceData
{
    /// <summary>Number of pairs that are encoded at a time.</summary>
    private const int Chunk = 256;

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
        PreferencePairs pairs, IDataView data, string where, PreferenceEstimator.Options options, ChatEncoder encoder)
    {
        (long rows, long bytes) = (0, 0);
        foreach (Preference[] chunk in options.Preferences.Read(data).Chunk(Chunk))
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            foreach (var (chosen, rejected) in EncodeAll(chunk, rows, where, encoder)) pairs.Add(chosen, rejected);
            rows += chunk.Length;
            bytes += chunk.Sum(row => (long)Encoding.UTF8.GetByteCount(row.Chosen) + Encoding.UTF8.GetByteCount(row.Rejected)
                + row.Prompt.Sum(turn => (long)Encoding.UTF8.GetByteCount(turn.Content)));
            options.TokenizationProgress?.Report(new(rows, bytes, pairs.TokenCount));
        }
    }

    private static (AnswerTokens Chosen, AnswerTokens Rejected)[] EncodeAll(
        Preference[] chunk, long firstRow, string where, ChatEncoder encoder)
    {
        var encoded = new (AnswerTokens, AnswerTokens)[chunk.Length];
        var faults = new Exception?[chunk.Length];
        Parallel.For(0, chunk.Length, i =>
        {
            try
            {
                Preference row = chunk[i];
                encoded[i] = (AnswerTokens.Of(encoder, row.Prompt, row.Chosen), AnswerTokens.Of(encoder, row.Prompt, row.Rejected));
            }
            catch (ArgumentException e)
            {
                faults[i] = ConversationColumns.Broken(firstRow + i, ConversationRows.WithoutParameter(e), where, e);
            }
        });
        // The first faulty row is reported, whichever thread found one first.
        if (Array.Find(faults, fault => fault is not null) is { } first) ExceptionDispatchInfo.Throw(first);
        return encoded;
    }

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

using System.Runtime.ExceptionServices;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Encodes rows of conversations on several threads.</summary>
internal static class EncodedRows
{
    /// <summary>Number of rows that are encoded at a time.</summary>
    private const int Chunk = 256;

    /// <summary>Encodes rows, in their order, and reports the progress.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="encode">Encodes a row, on any thread.</param>
    /// <param name="add">Takes the tokens of the next row, and returns the number of all tokens so far.</param>
    /// <param name="bytesOf">Returns the number of bytes of a row's texts.</param>
    /// <param name="where">What is said of the data in messages, such as " of the validation data"; empty for nothing.</param>
    /// <param name="options">The options, which have the listener and the cancellation token.</param>
    /// <exception cref="InvalidDataException">A row is not a conversation of the format; the message names the first such row.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static void Read<TRow, TTokens>(
        IEnumerable<TRow> rows, Func<TRow, TTokens> encode, Func<TTokens, long> add, Func<TRow, long> bytesOf, string where,
        LanguageTrainingOptions options)
    {
        (long count, long bytes, long tokens) = (0, 0, 0);
        foreach (TRow[] chunk in rows.Chunk(Chunk))
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            foreach (TTokens encoded in EncodeAll(chunk, count, encode, where)) tokens = add(encoded);
            count += chunk.Length;
            bytes += chunk.Sum(bytesOf);
            options.TokenizationProgress?.Report(new(count, bytes, tokens));
        }
    }

    private static TTokens[] EncodeAll<TRow, TTokens>(TRow[] chunk, long firstRow, Func<TRow, TTokens> encode, string where)
    {
        var encoded = new TTokens[chunk.Length];
        var faults = new Exception?[chunk.Length];
        Parallel.For(0, chunk.Length, i =>
        {
            try
            {
                encoded[i] = encode(chunk[i]);
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
}

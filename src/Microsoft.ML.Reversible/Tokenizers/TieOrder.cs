using System.Runtime.CompilerServices;
using Microsoft.ML.Runtime;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Detects SentencePiece tokenizers, made by the caller, that merge the rightmost of equal pairs first, as those of Microsoft.ML.Tokenizers
/// 2.0 do. The scores of their pieces are not public, so <see cref="SentencePieceBpe"/> cannot replace them.
/// </summary>
internal static class TieOrder
{
    private static readonly ConditionalWeakTable<Tokenizer, object> _warned = [];

    /// <summary>Logs a warning if a tokenizer gives other ids than SentencePiece, once for each tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer; null if the caller has made none.</param>
    /// <param name="channel">The log.</param>
    public static void Warn(Tokenizer? tokenizer, IChannel channel)
    {
        if (tokenizer is SentencePieceTokenizer { ByteFallback: true } pieces && FindRun(pieces) is { } run
            && _warned.TryAdd(tokenizer, run))
            channel.Warning(
                MessageSensitivity.None,
                "The {0} of Microsoft.ML.Tokenizers makes '{1}' and '{2}' of '{3}', where SentencePiece makes '{2}' and '{1}': of equal " +
                "merges it applies the rightmost first. Runs of a character get other ids than the model was trained with. Give the path " +
                "of the tokenizer's file in place of an instance.",
                tokenizer.GetType().Name, run[..1], run[1..], run);
    }

    /// <summary>Returns three equal characters of which the last two are merged; null if the first two are.</summary>
    private static string? FindRun(SentencePieceTokenizer tokenizer)
    {
        IReadOnlyDictionary<string, int> ids = tokenizer.Vocabulary;
        foreach ((string pair, int id) in ids)
        {
            if (pair.Length != 2 || pair[0] != pair[1] || !ids.TryGetValue(pair[..1], out int single)) continue;
            string run = pair + pair[0];
            if (ids.ContainsKey(run)) continue;
            IReadOnlyList<int> encoded = tokenizer.EncodeToIds(
                run, addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: true, considerNormalization: false);
            return encoded.SequenceEqual([single, id]) ? run : null;
        }
        return null;
    }
}

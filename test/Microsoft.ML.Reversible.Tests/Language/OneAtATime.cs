using Microsoft.ML.Reversible.Language;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Scores one request at a time, without sharing or batching.</summary>
internal static class OneAtATime
{
    public static ContinuationScore Score(LanguageModel model, ContinuationRequest request)
    {
        string context = request.Context.TrimEnd();
        string text = request.Context + request.Continuation;
        (int prefix, int begin) = (model.PrefixId, model.Tokenizer.BeginOfTextId);
        int[] first = model.SpecialTokens.EndOfText.Contains(begin) ? [] : [begin];
        int[] before = context.Length == 0 ? [prefix] : [.. first, .. model.Tokenizer.Encode(context)];
        int[] whole = context.Length == 0 ? [prefix, .. model.Tokenizer.Encode(text)] : [.. first, .. model.Tokenizer.Encode(text)];
        int[] continuation = [.. whole.Skip(before.Length)];
        int window = model.Network.Configuration.ContextLength;
        return Score(model.Network, [.. before.Concat(continuation).TakeLast(window + 1)], Math.Min(continuation.Length, window));
    }

    /// <summary>The score of the last tokens.</summary>
    public static ContinuationScore Score(LanguageNetwork network, int[] ids, int scored)
    {
        if (scored == 0) return new(0, true, 0);
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        long[] input = [.. ids.SkipLast(1).Select(id => (long)id)];
        Tensor logits = nn.functional.log_softmax(network.call(tensor(input, [1, input.Length])).squeeze(0), -1);
        double sum = 0;
        bool greedy = true;
        for (int i = input.Length - scored; i < input.Length; i++)
        {
            sum += logits[i, ids[i + 1]].item<float>();
            greedy &= logits[i].argmax().item<long>() == ids[i + 1];
        }
        return new(sum, greedy, scored);
    }
}

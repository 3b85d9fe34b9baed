using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Computes what a model gives for a batch of rows.</summary>
/// <param name="network">The model's network.</param>
/// <param name="rows">The rows, at least one.</param>
internal sealed class TokenTreeBatch(LanguageNetwork network, TokenTree[] rows)
{
    /// <summary>The most logits that exist at a time, in elements: 64 MiB of float32.</summary>
    private const long ChunkElements = 16 << 20;

    private readonly int _length = rows.Max(row => row.Count);

    /// <summary>What was predicted.</summary>
    /// <param name="Sequence">The sequence that counts it.</param>
    /// <param name="LogLikelihood">The log-probability of the token.</param>
    /// <param name="IsGreedy">Whether no token is more likely.</param>
    internal readonly record struct Result(int Sequence, float LogLikelihood, bool IsGreedy);

    /// <summary>What is predicted, and from which place in all rows together.</summary>
    private readonly record struct Place(long Slot, int Sequence, long Target);

    /// <summary>The predictions of all rows, those of a sequence in its order.</summary>
    public IEnumerable<Result> Run()
    {
        var results = new List<Result>();
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Place[] places =
        [
            .. rows.SelectMany((row, r) => row.Predictions.Select(p => new Place((long)r * _length + p.Slot, p.Sequence, p.Target)))
                .OrderBy(place => place.Slot),
        ];
        using Tensor stream = Streams();
        int most = (int)Math.Max(1, ChunkElements / network.Configuration.VocabularySize);
        for (int first = 0; first < places.Length;)
        {
            int end = first;
            var slots = new List<long>();
            // A slot that predicts the first tokens of several continuations is asked once.
            for (; end < places.Length; end++)
            {
                if (slots.Count > 0 && slots[^1] == places[end].Slot) continue;
                if (slots.Count == most) break;
                slots.Add(places[end].Slot);
            }
            Predict(stream, slots, places.AsSpan(first..end), results);
            first = end;
        }
        return results;
    }

    private void Predict(Tensor stream, List<long> slots, ReadOnlySpan<Place> places, List<Result> results)
    {
        using var scope = NewDisposeScope();
        Device device = network.Device;
        long[] index = new long[places.Length], targets = new long[places.Length];
        for (int i = 0, slot = 0; i < places.Length; i++)
        {
            if (slots[slot] != places[i].Slot) slot++;
            (index[i], targets[i]) = (slot, places[i].Target);
        }
        Tensor hidden = network.FinalNorm(stream.index_select(0, tensor(slots.ToArray(), device: device)));
        Tensor logits = nn.functional.log_softmax(network.Head(hidden), -1);
        Tensor best = logits.argmax(-1), at = tensor(index, device: device), target = tensor(targets, device: device);
        Tensor each = logits.flatten().index_select(0, at * logits.shape[1] + target).cpu();
        Tensor greedy = best.index_select(0, at).cpu();
        using var values = each.data<float>();
        using var tops = greedy.data<long>();
        for (int i = 0; i < places.Length; i++)
        {
            if (float.IsNaN(values[i]))
                throw new InvalidOperationException(
                    "The model gives logits that are not numbers, so there is no log-likelihood. Its weights may be damaged.");
            results.Add(new(places[i].Sequence, values[i], tops[i] == targets[i]));
        }
    }

    /// <summary>The streams of all places, of shape [rows * length, width].</summary>
    private Tensor Streams()
    {
        using var scope = NewDisposeScope();
        bool isBranched = rows.Any(row => row.IsBranched);
        long[] ids = new long[rows.Length * _length], positions = new long[ids.Length];
        for (int r = 0; r < rows.Length; r++)
        {
            for (int i = 0; i < _length; i++)
            {
                // Padding stands behind the tokens, where nothing looks; a token that is there anyway keeps exact streams in their range.
                int slot = Math.Min(i, rows[r].Count - 1);
                (ids[r * _length + i], positions[r * _length + i]) = (rows[r].Ids[slot], rows[r].Positions[slot]);
            }
        }
        Device device = network.Device;
        Tensor input = tensor(ids, [rows.Length, _length], device: device);
        using CachePass pass = isBranched
            ? new TreePass(tensor(positions, [rows.Length, _length], device: device), Mask())
            : new TreePass();
        return network.Stack.Evaluate(network.Embed(input, pass.Positions), pass).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// 0 where a token sees another, and -∞ where not: an attention that is told yes or no makes this anew in every layer.
    /// </summary>
    private Tensor Mask()
    {
        using var scope = NewDisposeScope();
        int area = _length * _length;
        var mask = new bool[rows.Length * area];
        for (int r = 0; r < rows.Length; r++) rows[r].Mark(mask.AsSpan(r * area, area), _length);
        Tensor sees = tensor(mask, [rows.Length, 1, _length, _length], device: network.Device);
        return zeros(sees.shape, dtype: network.Compute, device: network.Device)
            .masked_fill_(sees.logical_not(), double.NegativeInfinity).MoveToOuterDisposeScope();
    }
}

using System.Security.Cryptography;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// The tensors of a first training step on the CPU, in the order of computation: weights, hidden states as the blocks read them, loss,
/// gradients, weights after an AdamW step. The first tensor whose bits differ between two traces shows where the runs diverge.
/// </summary>
internal sealed class StepTrace : IDisposable
{
    private readonly List<(string Name, Tensor Value)> _tensors = [];

    private StepTrace()
    {
    }

    /// <summary>16 hexadecimal digits of the SHA-256 of each tensor's bytes.</summary>
    public IReadOnlyList<(string Name, string Hash)> Hashes => [.. _tensors.Select(t => (t.Name, Hash(t.Value)))];

    /// <summary>Records the step of <c>reversible gradcheck</c>'s model: 12 layers of width 128 on 4 windows of 64 tokens.</summary>
    public static StepTrace Record(Scheme scheme, BackwardMode backwardMode)
    {
        using var scope = NewDisposeScope();
        var shape = new GptConfiguration { VocabularySize = 128, ContextLength = 64, LayerCount = 12, HeadCount = 4, Width = 128 };
        using LanguageNetwork model = shape.Build(scheme, backwardMode, Arithmetic.Exact, Precision.Float32, CPU, seed: 1);
        using var optimizer = LanguageTask.Optimizer(model, new(0.9, 0.99, 1e-8, 0.1), OptimizerPlacement.AfterBackward);
        using var random = new Generator(7);
        Tensor ids = randint(0, 128, [4, 64], dtype: ScalarType.Int64, device: CPU, generator: random);
        Tensor targets = randint(0, 128, [256], dtype: ScalarType.Int64, device: CPU, generator: random);
        var trace = new StepTrace();
        trace.Add("weights", [.. model.Weights().Select(weight => weight.Parameter)]);
        optimizer.ZeroGradients();
        var states = new SortedDictionary<int, Tensor>();
        Tensor loss = LanguageModelLoss.Differentiate(
            model, ids, new(1.0 / 256, Seed: 1),
            (hidden, rows, gradWeight) => ChunkedCrossEntropy.Differentiate(
                hidden, model.HeadWeight, rows.Of(targets, 64), gradWeight, 1.0 / 256, labelSmoothing: 0, model.Compute),
            stateGradient: (layer, _, state) =>
            {
                states[layer] = state.clone().DetachFromDisposeScope();
                return null;
            });
        foreach ((int layer, Tensor state) in states) trace._tensors.Add(($"hidden state {layer}", state));
        trace.Add("loss", [loss]);
        foreach (NamedWeight weight in model.Weights().Reverse()) trace.Add($"gradient of {weight.Name}", [weight.Parameter.grad!]);
        optimizer.Step(1e-3, 0.9);
        trace.Add("weights after the step", [.. model.Weights().Select(weight => weight.Parameter)]);
        return trace;
    }

    /// <summary>Returns the number of elements that differ between two traces, and the name of the first tensor with one.</summary>
    public (long Elements, string? First) Difference(StepTrace other)
    {
        long elements = 0;
        string? first = null;
        foreach (var (mine, others) in _tensors.Zip(other._tensors))
        {
            using Tensor differs = mine.Value.ne(others.Value), sum = differs.sum();
            long here = sum.item<long>();
            elements += here;
            if (here > 0) first ??= mine.Name;
        }
        return (elements, first);
    }

    /// <summary>Writes all tensors as a safetensors file.</summary>
    public void Save(string path) =>
        SafeTensorsWriter.Write(path, [.. _tensors.Select(t => TensorStorage.Source(t.Name, t.Value))]);

    /// <summary>Returns the same digits for the same bytes.</summary>
    public static string Hash(Tensor tensor)
    {
        using Tensor contiguous = tensor.detach().contiguous();
        return Convert.ToHexString(SHA256.HashData(contiguous.bytes))[..16];
    }

    public void Dispose()
    {
        foreach ((_, Tensor value) in _tensors) value.Dispose();
    }

    private void Add(string name, IReadOnlyList<Tensor> parts)
    {
        using var noGraph = no_grad();
        _tensors.Add((name, cat([.. parts.Select(part => part.flatten())], 0).DetachFromDisposeScope()));
    }
}

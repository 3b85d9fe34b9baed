using System.CommandLine;
using System.Security.Cryptography;
using Microsoft.ML.Reversible.Losses;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Hashes of everything that a first training step computes, to find where two runs or machines part ways.</summary>
internal static class Fingerprint
{
    public static System.CommandLine.Command Command()
    {
        var repeats = new Option<int>("--repeats") { DefaultValueFactory = _ => 2 };
        var command = new System.CommandLine.Command(
            "fingerprint", "Hashes of what a first training step of a small model computes, a line a repeat.")
        {
            repeats
        };
        command.SetAction(p =>
        {
            for (int i = 0; i < p.GetValue(repeats); i++) Console.WriteLine(string.Join(' ', Step().Select(s => $"{s.Name}={s.Hash}")));
        });
        return command;
    }

    private static IEnumerable<(string Name, string Hash)> Step()
    {
        using var scope = NewDisposeScope();
        var shape = new GptConfiguration { VocabularySize = 270, ContextLength = 16, LayerCount = 2, HeadCount = 2, Width = 16 };
        using LanguageNetwork model = shape.Build(Scheme.Midpoint, WayBack.Reversible, Arithmetic.Float, Precision.Float32, CPU, seed: 1);
        using var random = new Generator(2);
        Tensor ids = randint(0, 270, [4, 16], dtype: ScalarType.Int64, generator: random);
        Tensor targets = randint(0, 270, [64], dtype: ScalarType.Int64, generator: random);
        yield return ("weights", Hash([.. model.parameters()]));
        using (var optimizer = new FlatAdamW(model, model.Stack, new(0.9, 0.99, 1e-8, 0.1), OptimizerPlacement.AfterBackward))
        {
            yield return ("flat", Hash([.. model.parameters()]));
            Tensor embedded = model.Embed(ids);
            yield return ("embedded", Hash(embedded));
            Tensor stream = model.Stack.Evaluate(embedded);
            yield return ("stack", Hash(stream));
            Tensor hidden = model.FinalNorm(stream).flatten(0, 1);
            yield return ("norm", Hash(hidden));
            Tensor logits = model.Head(hidden);
            yield return ("logits", Hash(logits));
            yield return ("logsumexp", Hash(logits.logsumexp(1)));
            yield return ("likelihood", Hash(ChunkedCrossEntropy.LogLikelihood(hidden, model.HeadWeight, targets, ScalarType.Float32)));
            optimizer.ZeroGradients();
            yield return ("loss", Hash(LanguageModelLoss.Differentiate(model, ids, targets, 1.0 / 64)));
            yield return ("gradients", Hash([.. model.parameters().Select(q => q.grad!)]));
            optimizer.Step(1e-3, 0.9);
            yield return ("stepped", Hash([.. model.parameters()]));
        }
    }

    private static string Hash(params Tensor[] tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in tensors) hash.AppendData(tensor.detach().contiguous().bytes);
        return Convert.ToHexString(hash.GetHashAndReset())[..8];
    }
}

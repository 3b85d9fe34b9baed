using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Schemes;

/// <summary>The product's blocks in float64 with random weights, between a random input and a random head.</summary>
internal sealed class WideNetwork : IDisposable
{
    private readonly LanguageModelConfiguration _shape;
    private readonly IReadOnlyDictionary<RotarySettings, RotaryEmbedding> _rotary;
    private readonly TransformerBlock[] _blocks;
    private readonly FlatParameters _flat;
    private readonly Tensor _input;
    private readonly Tensor _head;

    /// <summary>Makes the network.</summary>
    /// <param name="family">The kind of blocks.</param>
    /// <param name="intoState">The factor of matrices whose output is added to the hidden state; small values make contractions.</param>
    public WideNetwork(ModelFamily family, double intoState)
    {
        _shape = family == ModelFamily.Gpt2 ? TestModels.Small with { LayerCount = 6 } : TestModels.SmallLlama with { LayerCount = 6 };
        using var make = new ParameterFactory(CPU, seed: 2);
        _rotary = _shape is LlamaConfiguration llama
            ? LlamaModel.Rotary(llama, ScalarType.Float64, make)
            : new Dictionary<RotarySettings, RotaryEmbedding>();
        _blocks = [.. Enumerable.Range(0, 6).Select(_ => Block(make))];
        _flat = make.Allocate(_blocks.Select(block => block.parameters()));
        using var random = new Generator(5);
        using var noGraph = no_grad();
        foreach (Tensor weight in _blocks.SelectMany(b => b.parameters()).Where(p => p.dim() == 2))
        {
            // New weights are so small that a block has little effect.
            bool writes = weight.shape[0] == _shape.Width;
            weight.mul_((writes ? intoState : 1) * 5);
        }
        _input = randn([2, 12, _shape.Width], dtype: ScalarType.Float64, generator: random).DetachFromDisposeScope();
        _head = randn([50, _shape.Width], dtype: ScalarType.Float64, generator: random).DetachFromDisposeScope();
    }

    /// <summary>KL(residual, scheme) of the softmax at the head, nats a token.</summary>
    public double Divergence(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor expected = LogProbabilities(Scheme.Residual), actual = LogProbabilities(scheme);
        return (expected.exp() * (expected - actual)).sum(ScalarType.Float64).ToDouble() / (2 * 12);
    }

    /// <summary>‖E_m - p⁻‖ for m from 1, for the hidden state p⁻ behind the first block and the second one's function.</summary>
    public double[] EstimateErrors(int mostSteps)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor before = _input + _blocks[0].call(_input), after = before + _blocks[1].call(before);
        return [.. Enumerable.Range(1, mostSteps).Select(m =>
            (after - new PreviousStateEstimate(_blocks[1], m).Increment(after) - before).norm().ToDouble())];
    }

    public void Dispose()
    {
        foreach (TransformerBlock block in _blocks) block.Dispose();
        _flat.Dispose();
        foreach (RotaryEmbedding rotary in _rotary.Values) rotary.Dispose();
        _input.Dispose();
        _head.Dispose();
    }

    private Tensor LogProbabilities(Scheme scheme)
    {
        Tensor output = new LayerStack(scheme, _blocks, BackwardMode.Stored).Evaluate(_input);
        Assert.AreEqual(ScalarType.Float64, output.dtype);
        return nn.functional.log_softmax(
            nn.functional.linear(nn.functional.layer_norm(output, [_shape.Width]), _head) / Math.Sqrt(_shape.Width), -1);
    }

    private TransformerBlock Block(ParameterFactory make) => _shape switch
    {
        GptConfiguration gpt => GptModel.Block(gpt, ScalarType.Float64, make),
        LlamaConfiguration llama => LlamaModel.Block(llama, 0, _rotary, ScalarType.Float64, make),
        _ => throw new InvalidOperationException(),
    };
}

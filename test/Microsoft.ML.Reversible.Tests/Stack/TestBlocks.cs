using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>Computes f(p) = tanh(p Wᵀ), with halves of the same kind.</summary>
internal sealed class TanhBlock : nn.Module<Tensor, Tensor>, ITwoPartBlock
{
    private readonly Linear _first;
    private readonly Linear _second;

    public TanhBlock(long width, double deviation, Generator random, ScalarType type) : base(nameof(TanhBlock))
    {
        _first = new Linear(width, deviation, random, type);
        _second = new Linear(width, deviation, random, type);
        RegisterComponents();
    }

    public nn.Module<Tensor, Tensor> Attention => _first;

    public nn.Module<Tensor, Tensor> Mlp => _second;

    public override Tensor forward(Tensor input) => _first.call(input) + _second.call(input);

    private sealed class Linear : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter _weight;

        public Linear(long width, double deviation, Generator random, ScalarType type) : base(nameof(Linear))
        {
            _weight = new Parameter(randn([width, width], dtype: type, generator: random) * deviation);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => nn.functional.linear(input, _weight).tanh();
    }
}

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stability;

/// <summary>f(p) = M p for every token; with two matrices, halves M₁ and M₂.</summary>
internal sealed class LinearBlock : nn.Module<Tensor, Tensor>, ITwoPartBlock
{
    private readonly Parameter _matrix;
    private readonly LinearBlock? _mlp;

    public LinearBlock(double[,] matrix, double[,]? mlp = null) : base(nameof(LinearBlock))
    {
        _matrix = new Parameter(tensor(matrix));
        if (mlp is not null) _mlp = new LinearBlock(mlp);
        RegisterComponents();
    }

    public nn.Module<Tensor, Tensor> Attention => this;

    public nn.Module<Tensor, Tensor> Mlp => _mlp!;

    public bool HasGradient => _matrix.grad is not null;

    public override Tensor forward(Tensor input) => nn.functional.linear(input, _matrix);

    /// <summary>Returns a rotation generator with angular speed w in each plane: eigenvalues ±i w.</summary>
    public static double[,] Rotation(params double[] frequencies)
    {
        var m = new double[2 * frequencies.Length, 2 * frequencies.Length];
        for (int k = 0; k < frequencies.Length; k++) (m[2 * k, 2 * k + 1], m[2 * k + 1, 2 * k]) = (-frequencies[k], frequencies[k]);
        return m;
    }

    public static double[,] Diagonal(params double[] values)
    {
        var m = new double[values.Length, values.Length];
        for (int k = 0; k < values.Length; k++) m[k, k] = values[k];
        return m;
    }

    /// <summary>One eigenvalue and one eigenvector only.</summary>
    public static double[,] Jordan(double value, int size)
    {
        double[,] m = Diagonal([.. Enumerable.Repeat(value, size)]);
        for (int k = 1; k < size; k++) m[k - 1, k] = 1;
        return m;
    }

    /// <summary>Returns the same matrix in another orthonormal basis, so that no element is 0.</summary>
    public static double[,] Turned(double[,] m, ulong seed = 3)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(seed);
        int size = m.GetLength(0);
        Tensor x = randn([size, 1], dtype: ScalarType.Float64, generator: random);
        // A reflection H = 1 - 2 x xᵀ / xᵀx is its own inverse.
        Tensor h = tensor(Diagonal([.. Enumerable.Repeat(1.0, size)])) - x.mm(x.t()) * (2 / x.square().sum(ScalarType.Float64).ToDouble());
        double[] values = h.mm(tensor(m)).mm(h).contiguous().data<double>().ToArray();
        var turned = new double[size, size];
        for (int k = 0; k < values.Length; k++) turned[k / size, k % size] = values[k];
        return turned;
    }
}

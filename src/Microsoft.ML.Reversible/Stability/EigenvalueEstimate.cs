using System.Numerics;

namespace Microsoft.ML.Reversible;

/// <summary>An eigenvalue λ of a Jacobian, as an iteration found it.</summary>
/// <param name="Value">λ.</param>
/// <param name="Residual">
/// ‖Jᵀv - λv‖ for the unit vector v that belongs to it: there is a matrix within this distance of Jᵀ that has λ exactly. 0 where the whole
/// matrix was taken.
/// </param>
public readonly record struct EigenvalueEstimate(Complex Value, double Residual);
